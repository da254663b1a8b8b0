export * from "./autodiff/grad.js";
export { VJPS, type Vjp, type VjpContext } from "./autodiff/vjp.js";
export * from "./errors/errors.js";
export * from "./exact/asymmetric-loss.js";
export { exactExp } from "./exact/exponential.js";
export { exactLog, exactReciprocal } from "./exact/logarithm.js";
export { exactBatchNormEval, exactInverseSqrt } from "./exact/network/batch-norm.js";
export { type ExactConv2dOptions, exactConv2d } from "./exact/network/convolution.js";
export { exactMatmul, type SlicesOption } from "./exact/network/matmul.js";
export { EXACT_NUMERICS } from "./exact/network/numerics.js";
export { exactMean, exactReduceSum } from "./exact/network/sum.js";
export { exactPower } from "./exact/power.js";
export { exactLogSigmoid, exactSigmoid, exactSigmoidPair } from "./exact/sigmoid.js";
export * from "./exact/sum.js";
export * from "./functions/broadcasting.js";
export * from "./functions/contraction.js";
export * from "./functions/elementwise.js";
export * from "./functions/shape.js";
export type { AttributeJson } from "./graph/attributes.js";
export { fromBase64 } from "./graph/base64.js";
export * from "./graph/builder.js";
export * from "./graph/graph.js";
export * from "./graph/json.js";
export * from "./graph/print.js";
export type { JsonNumber, Storage, TensorJson, TensorTypeJson } from "./graph/tensor-json.js";
export * from "./graph/verify.js";
export * from "./losses/adaptive.js";
export * from "./losses/asymmetric.js";
export * from "./losses/class-weights.js";
export type * from "./losses/options.js";
export * from "./losses/single-label.js";
export {
  averagePrecision,
  type MeanAveragePrecision,
  meanAveragePrecision,
  meanOfClasses,
  type RankedPrecision,
  rankedPrecision,
} from "./metrics/average-precision.js";
export * from "./metrics/bootstrap.js";
export * from "./metrics/precision-recall.js";
export type { MatrixShape, Scores } from "./metrics/predictions.js";
export { ColumnRanking } from "./metrics/ranking.js";
export * from "./metrics/thresholds.js";
export * from "./models/layers.js";
export * from "./models/model.js";
export * from "./models/tresnet.js";
export * from "./models/tresnet-config.js";
export * from "./nn/activation.js";
export * from "./nn/batch-norm.js";
export * from "./nn/numerics.js";
export * from "./nn/pooling.js";
export * from "./nn/squeeze-excite.js";
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
export * from "./optim/adam.js";
export * from "./optim/ema.js";
export * from "./optim/gradients.js";
export * from "./optim/one-cycle.js";
export * from "./passes/common-subexpressions.js";
export * from "./passes/dead-code.js";
export * from "./passes/flops.js";
export * from "./passes/fold-constants.js";
export * from "./passes/liveness.js";
export * from "./passes/memory-limit.js";
export type { ExecutionPlan, Step } from "./passes/memory-model.js";
export * from "./passes/optimize.js";
export * from "./passes/recompute.js";
export * from "./passes/repeat-elementwise.js";
export * from "./passes/simplify.js";
export * from "./passes/split-concats.js";
export * from "./program/backend.js";
export * from "./program/feeds.js";
export * from "./program/programs.js";
export * from "./random/initialize.js";
export { createRandom, Random, type RandomKey, type RandomState, restoreRandom } from "./random/random.js";
export type * from "./state/spec.js";
export * from "./types/tensor.js";
