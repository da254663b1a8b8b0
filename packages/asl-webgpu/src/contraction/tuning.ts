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
  /**
   * Where the products' factors come from.
   * - `buffers`: each invocation reads what it needs from the operands
   * - `quads`: so do the columns; the rows' factors are read by four invocations, a quarter each, and passed on within
   *   the quad. Needs the feature "subgroups", one row of threads and rows in fours
   * - `workgroup`: the workgroup's memory, which holds `terms` of them at a time. Needs rows, columns and terms in fours
   */
  readonly from: "buffers" | "quads" | "workgroup";
  /** Invocations of a workgroup along columns and rows. */
  readonly threads: readonly [number, number];
  /** Elements that each invocation computes along rows and columns. */
  readonly rows: number;
  readonly columns: number;
  /** Parts that the terms are split into; their sums are added by a second dispatch. */
  readonly splits: number;
  /** Rows are the output's columns and the other way round. */
  readonly transposed?: boolean;
  /** Terms that a workgroup holds at a time; from `workgroup` only. */
  readonly terms?: number;
}

/** Elements of the vectors in which tiles from `workgroup` are moved. */
export const VECTOR = 4;

/** What planContraction may choose from. */
export interface Tuning {
  readonly limits: ContractionLimits;
  /** Invocations of a subgroup at least, where the device has the feature "subgroups" on. */
  readonly subgroupSize?: number;
  /** Whether the adapter computes on the processor, which has no memory of its own for a workgroup. */
  readonly isSoftware?: boolean;
  /** For every contraction; for measurements. */
  readonly tile?: Tile;
  /** Tiles by `contractionKey`; what is missing follows from the shape. */
  readonly pinned?: Readonly<Record<string, Tile>>;
}

/** What a device says of itself, with tiles to use where the caller has measured. */
export function deviceTuning(
  { limits, features, adapterInfo }: Pick<GPUDevice, "limits" | "features"> & Partial<Pick<GPUDevice, "adapterInfo">>,
  pinned?: Readonly<Record<string, Tile>>,
): Tuning {
  const subgroupSize = features.has("subgroups") ? adapterInfo?.subgroupMinSize : undefined;
  const isSoftware = adapterInfo?.isFallbackAdapter === true;
  return {
    limits,
    ...(subgroupSize === undefined ? {} : { subgroupSize }),
    ...(isSoftware ? { isSoftware } : {}),
    ...(pinned === undefined ? {} : { pinned }),
  };
}
