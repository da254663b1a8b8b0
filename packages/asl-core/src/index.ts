export * from "./autodiff/grad.js";
export { VJPS, type Vjp, type VjpContext } from "./autodiff/vjp.js";
export * from "./errors/errors.js";
export * from "./functions/broadcasting.js";
export * from "./functions/contraction.js";
export * from "./functions/elementwise.js";
export * from "./functions/shape.js";
export * from "./graph/builder.js";
export * from "./graph/graph.js";
export type * from "./ops/contract.js";
export type { Conv2dAttrs, Conv2dInputGradAttrs, Conv2dKernelGradAttrs } from "./ops/contraction.js";
export { convolvedExtent } from "./ops/contraction.js";
export type { CastAttrs } from "./ops/elementwise.js";
export type {
  BroadcastAttrs,
  ConcatAttrs,
  ConstantAttrs,
  GatherAttrs,
  PadAttrs,
  PadMode,
  ReshapeAttrs,
  SliceAttrs,
  TransposeAttrs,
} from "./ops/movement.js";
export type { ReduceAttrs } from "./ops/reduction.js";
export * from "./ops/table.js";
export * from "./program/backend.js";
export * from "./program/feeds.js";
export * from "./random/initialize.js";
export { createRandom, Random, type RandomState, restoreRandom } from "./random/random.js";
export * from "./types/tensor.js";
