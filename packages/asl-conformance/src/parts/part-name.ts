/** What surrounds the graph and runs on the host, once for all backends. */
export const PART_NAMES = ["metrics", "preprocess"] as const;
export type PartName = (typeof PART_NAMES)[number];

/** The part whose case it is; undefined for a case of backends. */
export const partOf = (caseName: string): PartName | undefined =>
  PART_NAMES.find((part) => caseName.startsWith(`${part}/`));
