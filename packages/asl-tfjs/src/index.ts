export { type TfjsBackendOptions, tfjsBackend } from "./backend.js";
export type { Lowering } from "./lower/lowering.js";
export { LOWER, type Lower } from "./lower/table.js";
export type { DeviceTensor, TensorFlow } from "./tensorflow.js";
