import type { Numerics } from "../../nn/numerics.js";
import { exactSigmoid } from "../sigmoid.js";
import { exactBatchNormEval } from "./batch-norm.js";
import { exactConv2d } from "./convolution.js";
import { exactMatmul } from "./matmul.js";
import { exactMean, exactReduceSum } from "./sum.js";

/** The same bits on every backend, as accurate as native float32, several times as slow. For inference. */
export const EXACT_NUMERICS: Numerics = {
  conv2d: (x, kernel, options) => exactConv2d(x, kernel, options),
  matmul: (a, b) => exactMatmul(a, b),
  sum: exactReduceSum,
  mean: exactMean,
  sigmoid: exactSigmoid,
  batchNormEval: exactBatchNormEval,
};
