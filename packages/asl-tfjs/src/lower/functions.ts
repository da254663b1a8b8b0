import type { DeviceTensor, TensorFlow } from "../tensorflow.js";

// exp, log, sigmoid and pow for backends whose own kernels break the ops' contracts: GLSL and WGSL promise exp(x) to
// 3 + 2|x| ULP, log(x) between 1/2 and 2 to 2^-21 absolute, and derive the rest from these two. Built from what they do
// promise, one TensorFlow.js op per rounding.

/** ln 2 in two parts; times a whole number below 2^15 the first is exact. */
const LN2_HIGH = 355 / 512;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/** e^x = 2^n e^r with n = round(x / ln 2), r = x - n ln 2 (Cody and Waite): |r| < 0.35, where kernels are accurate. */
export function exponential(tf: TensorFlow, x: DeviceTensor): DeviceTensor {
  // beyond, the result is 0 or infinity
  const bounded = tf.clipByValue(x, -104, 89);
  const n = nearest(tf, tf.mul(bounded, Math.LOG2E));
  const r = tf.sub(tf.sub(bounded, tf.mul(n, LN2_HIGH)), tf.mul(n, LN2_LOW));
  return scaled(tf, tf.exp(r), n);
}

/** 1 / (1 + e^-x). */
export const sigmoid = (tf: TensorFlow, x: DeviceTensor): DeviceTensor =>
  tf.div(1, tf.add(exponential(tf, tf.neg(x)), 1));

/** Between 1/2 and 2 by its series; elsewhere the kernel. */
export function logarithm(tf: TensorFlow, x: DeviceTensor): DeviceTensor {
  const isNearOne = tf.logicalAnd(tf.greaterEqual(x, 0.5), tf.lessEqual(x, 2));
  return tf.where(isNearOne, logarithmNearOne(tf, x), tf.log(x));
}

/** log x = 2 artanh s = 2 s (1 + s^2/3 + s^4/5 + ...), s = (x - 1) / (x + 1): x - 1 is exact, and |s| <= 1/3. */
function logarithmNearOne(tf: TensorFlow, x: DeviceTensor): DeviceTensor {
  const s = tf.div(tf.sub(x, 1), tf.add(x, 1));
  const square = tf.mul(s, s);
  let sum: DeviceTensor = tf.mul(square, 1 / 17);
  for (let k = 15; k >= 3; k -= 2) sum = tf.mul(tf.add(sum, 1 / k), square);
  return tf.mul(tf.mul(tf.add(sum, 1), s), 2);
}

/** Beyond, a power of 2 is 0 or infinity in float32. */
const FAR = 200;

/**
 * a^b = 2^(b e) e^(b log m) for a = m 2^e > 0, m near 1. An error in an exponent is one of the result times the exponent,
 * so that both products are had in more than float32: b and log m in halves of 12 bits, whose products are exact. Their
 * whole parts scale the result, what is left goes into the exponential.
 */
export function power(tf: TensorFlow, a: DeviceTensor, b: DeviceTensor): DeviceTensor {
  const isOrdinary = tf.logicalAnd(tf.greater(a, 0), tf.less(a, Number.POSITIVE_INFINITY));
  const base = tf.where(isOrdinary, a, tf.onesLike(a));
  const e = nearest(tf, tf.mul(tf.log(base), Math.LOG2E));
  const log = logarithmInParts(tf, scaled(tf, base, tf.neg(e)));
  const exponent = tf.clipByValue(b, -1e30, 1e30);
  const { high, low } = halves(tf, exponent);

  const whole = tf.mul(high, e);
  const n = nearest(tf, whole);
  const ofWhole = tf.mul(tf.add(tf.sub(whole, n), tf.mul(low, e)), Math.LN2);

  const middle = halves(tf, log.middle);
  const { sum, error } = twoSum(tf, tf.mul(high, log.high), tf.mul(high, middle.high));
  const k = nearest(tf, tf.mul(sum, Math.LOG2E));
  const reduced = tf.sub(tf.sub(sum, tf.mul(k, LN2_HIGH)), tf.mul(k, LN2_LOW));
  const small = tf.add(
    tf.add(tf.mul(low, log.high), tf.mul(low, log.middle)),
    tf.add(tf.mul(high, middle.low), tf.mul(exponent, log.low)),
  );
  const y = tf.add(tf.add(reduced, ofWhole), tf.add(error, small));
  const size = tf.add(n, k);
  const near = scaled(tf, exponential(tf, y), size);
  const ordinary = tf.where(
    tf.greater(size, FAR),
    tf.fill(y.shape, Number.POSITIVE_INFINITY),
    tf.where(tf.less(size, -FAR), tf.zerosLike(y), near),
  );
  // 0^b = 0, 1 or infinity, whatever the kernel makes of log 0
  const ofZero = tf.where(tf.greater(b, 0), tf.zerosLike(b), tf.pow(tf.zerosLike(b), tf.minimum(b, 0)));
  const special = tf.where(tf.equal(a, 0), ofZero, tf.pow(a, b));
  return tf.where(isOrdinary, ordinary, special);
}

/** log(k / 128) in two parts, the first of 12 bits, and 128 / k, for k / 128 about sqrt(1/2) .. sqrt 2. */
const FIRST_POINT = 88;
const POINTS = Array.from({ length: 98 }, (_, i) => (FIRST_POINT + i) / 128);
const POINT_LOGS_HIGH = POINTS.map((c) => Math.round(Math.log(c) * 4096) / 4096);
const POINT_LOGS_LOW = POINTS.map((c, i) => Math.log(c) - POINT_LOGS_HIGH[i]!);
const POINT_INVERSES = POINTS.map((c) => 1 / c);

/**
 * log m = high + middle + low for m in [sqrt(1/2), sqrt 2]: high has 12 bits and the sum about 40. Near the point
 * c = k / 128, m = c (1 + f), log m = log c + f - f^2/2 + f^3/3 - f^4/4, |f| <= 2^-7.5; f = (m - c) / c is had as a
 * quotient and what it leaves.
 */
function logarithmInParts(tf: TensorFlow, m: DeviceTensor): Record<"high" | "middle" | "low", DeviceTensor> {
  const k = nearest(tf, tf.mul(m, 128));
  const rows = tf.cast(tf.reshape(tf.clipByValue(tf.sub(k, FIRST_POINT), 0, POINTS.length - 1), [k.size]), "int32");
  const of = (table: readonly number[]) => tf.reshape(tf.gather(tf.tensor1d([...table]), rows), k.shape);
  const c = tf.mul(k, 1 / 128);
  const inverse = of(POINT_INVERSES);
  const difference = tf.sub(m, c);
  const f = tf.mul(difference, inverse);
  const { high, low } = halves(tf, f);
  const left = tf.mul(tf.sub(tf.sub(difference, tf.mul(high, c)), tf.mul(low, c)), inverse);
  // -f^2/2 + f^3/3 - f^4/4
  const series = tf.mul(tf.mul(f, f), tf.sub(tf.mul(f, tf.sub(1 / 3, tf.mul(f, 0.25))), 0.5));
  return { high: of(POINT_LOGS_HIGH), middle: f, low: tf.add(series, tf.add(of(POINT_LOGS_LOW), left)) };
}

/** x = high + low, each of 12 bits. Veltkamp 1968. */
function halves(tf: TensorFlow, x: DeviceTensor): Record<"high" | "low", DeviceTensor> {
  const spread = tf.mul(x, 4097);
  const high = tf.sub(spread, tf.sub(spread, x));
  return { high, low: tf.sub(x, high) };
}

/** a + b = sum + error, exactly. Knuth, TAOCP 2, 4.2.2. */
function twoSum(tf: TensorFlow, a: DeviceTensor, b: DeviceTensor): Record<"sum" | "error", DeviceTensor> {
  const sum = tf.add(a, b);
  const part = tf.sub(sum, a);
  return { sum, error: tf.add(tf.sub(a, tf.sub(sum, part)), tf.sub(b, part)) };
}

const nearest = (tf: TensorFlow, x: DeviceTensor): DeviceTensor => tf.floor(tf.add(x, 0.5));

/** x 2^n for a whole n, in two steps, since 2^n alone may lie beyond float32. */
function scaled(tf: TensorFlow, x: DeviceTensor, n: DeviceTensor): DeviceTensor {
  const half = tf.floor(tf.mul(n, 0.5));
  return tf.mul(tf.mul(x, powerOfTwo(tf, half)), powerOfTwo(tf, tf.sub(n, half)));
}

const LARGEST_POWER = 126;
const POWERS = Float32Array.from({ length: 2 * LARGEST_POWER + 1 }, (_, i) => 2 ** (i - LARGEST_POWER));

/** 2^k from a table: exp2 of a whole number is nowhere promised to be exact. */
function powerOfTwo(tf: TensorFlow, k: DeviceTensor): DeviceTensor {
  const bounded = tf.clipByValue(k, -LARGEST_POWER, LARGEST_POWER);
  const rows = tf.cast(tf.reshape(tf.add(bounded, LARGEST_POWER), [k.size]), "int32");
  return tf.reshape(tf.gather(tf.tensor1d(POWERS), rows), k.shape);
}
