import { abs, add, floor, less, max, min, mul, select, sub } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { flushTiny, lookup } from "./portable.js";
import { GRID, LOGISTIC_LIMIT, LOGISTIC_SCALE, logisticTables } from "./tables.js";

/** p = 1 / (1 + e^-x) within 0.56 ulp, the same bits on every backend; below 2^-100 it is +0. */
export function exactSigmoid(x: Value): Value {
  return exactSigmoidPair(x).p;
}

/** p = 1 / (1 + e^-x) and 1 - p = 1 / (1 + e^x), each within 0.56 ulp: nothing cancels for large x. */
export function exactSigmoidPair(x: Value): { readonly p: Value; readonly oneMinusP: Value } {
  const { builder } = x;
  return builder.scope("exact.sigmoid", () => {
    const { p, oneMinusP } = logistic(x);
    const pair = { p: flushTiny(p), oneMinusP: flushTiny(oneMinusP) };
    // dp/dx = p (1 - p)
    const slope = () => mul(pair.p, pair.oneMinusP);
    builder.differentiateAs(pair.p, [x], (g) => [mul(g, slope())]);
    builder.differentiateAs(pair.oneMinusP, [x], (g) => [mul(g, sub(0, slope()))]);
    return pair;
  });
}

/** ln(1 / (1 + e^-x)) = min(x, 0) - ln(1 + e^-|x|) within 0.56 ulp; below 2^-100 it is +0. */
export function exactLogSigmoid(x: Value): Value {
  const { builder } = x;
  return builder.scope("exact.logSigmoid", () => {
    const { oneMinusP, logarithms } = logistic(x);
    const logP = flushTiny(logarithms().logP);
    return builder.differentiateAs(logP, [x], (g) => [mul(g, flushTiny(oneMinusP))]);
  });
}

/** Parts of the logistic function. All of them saturate at |x| = 69.5, where the smaller side is below 2^-100. */
export interface Logistic {
  readonly p: Value;
  readonly oneMinusP: Value;
  /** ln p and ln(1 - p); their nodes are built on demand. */
  readonly logarithms: () => { readonly logP: Value; readonly logOneMinusP: Value };
}

/**
 * With a = |x| = i/64 + d, |d| <= 2^-7, and P = 1 / (1 + e^(i/64)), Q = 1 - P, m = e^-d - 1, z = P m:
 *   1 / (1 + e^a)   = P (1 + m) / (1 + z) = P + D,   D = Q z / (1 + z)
 *   1 / (1 + e^-a)  = Q - D
 *   ln(1 + e^-a)    = ln(1 + e^(-i/64)) + ln(1 + z)
 * D and ln(1 + z) are below 2^-6 of what they are added to, and so are their errors.
 */
export function logistic(x: Value): Logistic {
  const tables = logisticTables();
  const a = min(abs(x), LOGISTIC_LIMIT);
  const i = floor(add(mul(a, GRID), 0.5));
  // exact: both terms are multiples of ulp(a), and the difference is at most 2^-7
  const d = sub(a, mul(i, 1 / GRID));
  const isInside = less(a, LOGISTIC_LIMIT);
  const [high, low, logHigh, logLow] = lookup(
    i,
    isInside,
    tables.probability.high,
    tables.probability.low,
    tables.logarithm.high,
    tables.logarithm.low,
  ) as [Value, Value, Value, Value];

  // e^-d - 1 = -d + d^2/2 - d^3/6; the next term is below 2^-25 of it
  const m = sub(mul(mul(d, d), sub(0.5, mul(d, 1 / 6))), d);
  const scaledZ = mul(high, m);
  const z = mul(scaledZ, 1 / LOGISTIC_SCALE);
  const bigP = mul(high, 1 / LOGISTIC_SCALE);
  const bigQ = sub(1, bigP);
  // exact: bigQ = 1 - bigP - lost, |lost| <= 2^-25
  const lost = sub(sub(1, bigQ), bigP);
  // D = Q z (1 - z + z^2 - ...), |z| <= 2^-8: z^3 is below 2^-24 of D
  const scaledD = mul(mul(bigQ, scaledZ), sub(1, mul(z, sub(1, z))));
  // low + D, in one scale
  const correction = mul(add(low, scaledD), 1 / LOGISTIC_SCALE);
  const smaller = add(bigP, correction);
  const larger = add(bigQ, sub(lost, correction));
  const isNegative = less(x, 0);

  const logarithms = () => {
    // ln(1 + z) = z - z^2/2 + z^3/3
    const scaledLog = mul(scaledZ, sub(1, mul(z, sub(0.5, mul(z, 1 / 3)))));
    const softplus = {
      high: mul(logHigh, 1 / LOGISTIC_SCALE),
      low: mul(add(logLow, scaledLog), 1 / LOGISTIC_SCALE),
    };
    return {
      logP: sub(0, sumOf(max(sub(0, x), 0), softplus)),
      logOneMinusP: sub(0, sumOf(max(x, 0), softplus)),
    };
  };
  return {
    p: select(isNegative, smaller, larger),
    oneMinusP: select(isNegative, larger, smaller),
    logarithms,
  };
}

/** a + (high + low) for a, high >= 0, rounded once. */
function sumOf(a: Value, { high, low }: { readonly high: Value; readonly low: Value }): Value {
  const larger = max(a, high);
  const smaller = min(a, high);
  const sum = add(larger, smaller);
  // exact: what the sum lost (Dekker 1971)
  const lost = sub(smaller, sub(sum, larger));
  return add(sum, add(lost, low));
}
