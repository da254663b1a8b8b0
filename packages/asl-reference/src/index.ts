export type { Accumulation, Grid, Reals } from "./accumulation.js";
export { type Arithmetic, arithmeticOf, type Elements, type Precision } from "./arithmetic.js";
export { type ReferenceBackendOptions, referenceBackend } from "./backend.js";
export { type EvaluateOptions, evaluate, evaluateNode, nodeEvaluator } from "./evaluate.js";
export type { Meaning } from "./meaning/meaning.js";
export { MEANING, meaningOf } from "./meaning/table.js";
