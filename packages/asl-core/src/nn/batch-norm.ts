import { add, div, mul, neg, sqrt, square, sub } from "../functions/elementwise.js";
import { mean, reduceSum } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";

/** Everything but the channel axis of [N,C,H,W]. */
const STATISTICS_AXES = [0, 2, 3];

/** A per-channel value [C] along [N,C,H,W]. */
export function alongChannels(channels: Value, like: Value): Value {
  return channels.builder.apply("broadcast", [channels], { shape: like.shape, axes: [1] });
}

export interface BatchStatistics {
  /** Batch mean, [C]. */
  readonly mean: Value;
  /** Batch variance with divisor n - 1 (what the running statistics take), [C]. */
  readonly unbiasedVariance: Value;
}

/**
 * Batch normalisation by the batch's own statistics; x: [N,C,H,W], scale and bias: [C].
 * y = (x - mean) / sqrt(variance + epsilon) * scale + bias, biased variance. Ioffe & Szegedy 2015, algorithm 1.
 */
export function batchNormTrain(
  x: Value,
  scale: Value,
  bias: Value,
  epsilon: number,
): { y: Value; statistics: BatchStatistics } {
  const { builder } = x;
  const [batch, , height, width] = x.shape as [number, number, number, number];
  const count = batch * height * width;
  const channels = (value: Value) => alongChannels(value, x);

  const batchMean = mean(x, STATISTICS_AXES);
  const centred = sub(x, channels(batchMean));
  const sumOfSquares = reduceSum(square(centred), STATISTICS_AXES);
  const inverseDeviation = div(1, sqrt(add(div(sumOfSquares, count), epsilon)));
  const gain = mul(scale, inverseDeviation);
  const y = add(mul(centred, channels(gain)), channels(bias));

  // With c = x - mean, r = 1 / sqrt(variance + epsilon), n = count:
  // dbias = sum g;  dscale = r sum g c;  dx = scale r (g - sum g / n - c r^2 sum(g c) / n)
  builder.differentiateAs(y, [x, scale, bias], (g) => {
    const sumG = reduceSum(g, STATISTICS_AXES);
    const sumGCentred = reduceSum(mul(g, centred), STATISTICS_AXES);
    const slope = neg(mul(gain, div(mul(square(inverseDeviation), sumGCentred), count)));
    const offset = neg(mul(gain, div(sumG, count)));
    const dx = add(add(mul(g, channels(gain)), mul(centred, channels(slope))), channels(offset));
    return [dx, mul(inverseDeviation, sumGCentred), sumG];
  });

  return { y, statistics: { mean: batchMean, unbiasedVariance: div(sumOfSquares, Math.max(count - 1, 1)) } };
}

/** Batch normalisation by running statistics: an affine map per channel, ready to be folded into a convolution. */
export function batchNormEval(
  x: Value,
  scale: Value,
  bias: Value,
  runningMean: Value,
  runningVariance: Value,
  epsilon: number,
): Value {
  const gain = div(scale, sqrt(add(runningVariance, epsilon)));
  const offset = sub(bias, mul(runningMean, gain));
  return add(mul(x, alongChannels(gain, x)), alongChannels(offset, x));
}
