export { type CompileProgress, type WebgpuBackendOptions, webgpuBackend } from "./backend.js";
export { adapterName, type Tile, type TuneCache } from "./contraction/index.js";
export type { Lowering } from "./lower/lowering.js";
export { LOWER } from "./lower/table.js";
export {
  type ExplainOptions,
  type Explanation,
  explain,
  type KernelExplanation,
  type MemoryPlan,
  planMemory,
} from "./plan/explain.js";
export type { Storage } from "./plan/half-storage.js";
export { DEFAULT_LIMITS, type Limits } from "./plan/target.js";
export { AdapterError, DeviceLostError, KernelError, OutOfMemoryError } from "./runtime/errors.js";
