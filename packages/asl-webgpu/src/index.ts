export { type CompileProgress, type WebgpuBackendOptions, webgpuBackend } from "./backend.js";
export type { Lowering } from "./lower/lowering.js";
export { LOWER } from "./lower/table.js";
export { AdapterError, DeviceLostError, KernelError, OutOfMemoryError } from "./runtime/errors.js";
