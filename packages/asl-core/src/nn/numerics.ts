import { type Conv2dOptions, conv2d, matmul } from "../functions/contraction.js";
import { sigmoid } from "../functions/elementwise.js";
import { mean, reduceSum } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { batchNormEval } from "./batch-norm.js";

/** What layers compute with where backends may round differently; everything else has the same bits anyway. */
export interface Numerics {
  conv2d(x: Value, kernel: Value, options?: Conv2dOptions): Value;
  matmul(a: Value, b: Value): Value;
  sum(x: Value, axes: readonly number[]): Value;
  mean(x: Value, axes: readonly number[]): Value;
  sigmoid(x: Value): Value;
  readonly batchNormEval: typeof batchNormEval;
}

/** The backend's own operations. */
export const NATIVE_NUMERICS: Numerics = { conv2d, matmul, sum: reduceSum, mean, sigmoid, batchNormEval };
