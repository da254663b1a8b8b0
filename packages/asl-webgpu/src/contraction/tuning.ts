/** What a device allows; names as in GPUSupportedLimits. */
export interface ContractionLimits {
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupStorageSize: number;
}

/** How one contraction is cut into work. */
export interface Tile {
  /** Invocations of a workgroup along columns and rows. */
  readonly threads: readonly [number, number];
  /** Elements that each invocation computes along rows and columns. */
  readonly rows: number;
  readonly columns: number;
  /** Parts that the terms are split into; their sums are added by a second dispatch. */
  readonly splits: number;
}

/** What planContraction may choose from. */
export interface Tuning {
  readonly limits: ContractionLimits;
  /** For every contraction; for measurements. */
  readonly tile?: Tile;
  /** Tiles by `problemKey`; what is missing follows from the shape. */
  readonly pinned?: Readonly<Record<string, Tile>>;
}
