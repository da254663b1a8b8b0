import { add, mul, sub } from "../../functions/elementwise.js";
import type { Value } from "../../graph/builder.js";
import { alongChannels } from "../../nn/batch-norm.js";
import { exactExp } from "../exponential.js";
import { exactLog } from "../logarithm.js";
import { flushTiny } from "../portable.js";

/** 1 / sqrt(v) within 2 ulp, the same bits on every backend, for v in [2^-100, 2^100]. */
export function exactInverseSqrt(v: Value): Value {
  const { builder } = v;
  return builder.scope("exact.inverseSqrt", () => {
    const estimate = exactExp(mul(exactLog(v), -0.5));
    // One step of Newton's method: r + r (1 - v r^2) / 2. v r first: both factors may be far from 1
    const residual = sub(1, mul(mul(v, estimate), estimate));
    const r = add(estimate, mul(mul(estimate, 0.5), residual));
    // d v^(-1/2) = -r^3 / 2 dv
    return builder.differentiateAs(r, [v], (g) => [mul(g, mul(mul(mul(r, r), r), -0.5))]);
  });
}

/**
 * `batchNormEval` with the same bits on every backend: neither divisions nor square roots, which devices round
 * differently, and a product that no runtime can join with the sum.
 */
export function exactBatchNormEval(
  x: Value,
  scale: Value,
  bias: Value,
  runningMean: Value,
  runningVariance: Value,
  epsilon: number,
): Value {
  return x.builder.scope("exact.batchNorm", () => {
    const gain = flushTiny(mul(scale, exactInverseSqrt(add(runningVariance, epsilon))));
    const offset = sub(bias, flushTiny(mul(runningMean, gain)));
    return add(flushTiny(mul(x, alongChannels(gain, x))), alongChannels(offset, x));
  });
}
