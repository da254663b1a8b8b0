import { broadcastTo } from "../functions/broadcasting.js";
import { exp, less, log, max, mul, select, sub } from "../functions/elementwise.js";
import { reduceMax, reduceSum, reshape } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";

/** max(x, 0); gradient 0 at 0. The gradient reads y only, so x may be freed. */
export function relu(x: Value): Value {
  const y = max(x, 0);
  // dy/dx = y > 0 ? 1 : 0
  return x.builder.differentiateAs(y, [x], (g) => [mul(g, select(less(0, y), 1, 0))]);
}

/** x > 0 ? x : slope x, for 0 < slope < 1; gradient `slope` at 0. The gradient reads y only, so x may be freed. */
export function leakyRelu(x: Value, slope: number): Value {
  const y = max(x, mul(x, slope));
  // dy/dx = y > 0 ? 1 : slope
  return x.builder.differentiateAs(y, [x], (g) => [mul(g, select(less(0, y), 1, slope))]);
}

/** x - log sum exp x over the last axis, shifted by the maximum so that exp does not overflow. */
export function logSoftmax(x: Value): Value {
  const last = x.shape.length - 1;
  const kept = [...x.shape.slice(0, last), 1];
  const shifted = sub(x, broadcastTo(reshape(reduceMax(x, [last]), kept), x.shape));
  const y = sub(shifted, reshape(log(reduceSum(exp(shifted), [last])), kept));
  // dx = g - softmax(x) sum g
  return x.builder.differentiateAs(y, [x], (g) => [sub(g, mul(exp(y), reshape(reduceSum(g, [last]), kept)))]);
}
