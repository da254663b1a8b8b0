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

/**
 * a^b for a = m 2^e > 0, m near 1: 2^(b e) m^b. The product b e is exact when b is taken in two halves of 12 bits: its
 * whole part scales the result, what is left goes into the exponential with b log m.
 */
export function power(tf: TensorFlow, a: DeviceTensor, b: DeviceTensor): DeviceTensor {
  const isOrdinary = tf.logicalAnd(tf.greater(a, 0), tf.less(a, Number.POSITIVE_INFINITY));
  const base = tf.where(isOrdinary, a, tf.onesLike(a));
  const e = nearest(tf, tf.mul(tf.log(base), Math.LOG2E));
  const m = scaled(tf, base, tf.neg(e));
  const exponent = tf.clipByValue(b, -1e30, 1e30);
  // Veltkamp's splitting
  const spread = tf.mul(exponent, 4097);
  const high = tf.sub(spread, tf.sub(spread, exponent));
  const product = tf.mul(high, e);
  const n = nearest(tf, product);
  const rest = tf.add(tf.sub(product, n), tf.mul(tf.sub(exponent, high), e));
  const y = tf.add(tf.mul(rest, Math.LN2), tf.mul(exponent, logarithmNearOne(tf, m)));
  const ordinary = scaled(tf, exponential(tf, y), n);
  // 0^b = 0, 1 or infinity, whatever the kernel makes of log 0
  const ofZero = tf.where(tf.greater(b, 0), tf.zerosLike(b), tf.pow(tf.zerosLike(b), tf.minimum(b, 0)));
  const special = tf.where(tf.equal(a, 0), ofZero, tf.pow(a, b));
  return tf.where(isOrdinary, ordinary, special);
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
