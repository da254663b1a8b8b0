/**
 * e^x and ln x in float64 from + - x / alone: each of these rounds in one way by IEEE 754, so that tables made with
 * them hold the same bits on every engine, which Math.exp and Math.log do not promise.
 */

/** ln 2 = LN2 + LN2_REST to 107 bits. Math.LN2 is the float64 nearest to ln 2 by the language's specification. */
const LN2 = Math.LN2;
const LN2_REST = 2.3190468138462996e-17;
/** The first 32 bits of ln 2: k * LN2_HIGH is exact for whole |k| < 2^21. */
const LN2_HIGH = Math.floor(LN2 * 2 ** 32) / 2 ** 32;
const LN2_LOW = LN2 - LN2_HIGH + LN2_REST;

/** e^x for |x| <= 700, within 2 ulp. */
export function exponential(x: number): number {
  // x = k ln 2 + r, |r| <= ln 2 / 2;  e^x = 2^k e^r
  const k = Math.round(x / LN2);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  // e^r = 1 + r/1 (1 + r/2 (1 + r/3 ...)); the first term left out, r^19/19!, is below 2^-80
  let series = 1;
  for (let n = 18; n >= 1; n--) series = 1 + (r * series) / n;
  return series * powerOfTwo(k);
}

/** ln(1 + x) for 0 <= x <= 1, within a few ulp also for small x. */
export function logOnePlus(x: number): number {
  // ln(1 + x) = 2 artanh z = 2 (z + z^3/3 + z^5/5 + ...),  z = x / (2 + x) <= 1/3
  const z = x / (2 + x);
  const square = z * z;
  // z^41/41 is below 2^-68 of z
  let series = 0;
  for (let n = 39; n >= 3; n -= 2) series = (series + 1 / n) * square;
  return 2 * (z + z * series);
}

/** ln x for a normal x > 0, within 2^-52 of max(|ln x|, 1). */
export function naturalLogarithm(x: number): number {
  // x = m 2^k, m in [1, 2);  ln x = k ln 2 + ln m
  let m = x;
  let k = 0;
  for (; m < 1; k--) m *= 2;
  for (; m >= 2; k++) m /= 2;
  return k * LN2_HIGH + (logOnePlus(m - 1) + k * LN2_LOW);
}

/** 2^k, exact. */
export function powerOfTwo(k: number): number {
  let power = 1;
  for (let i = 0; i < Math.abs(k); i++) power *= k < 0 ? 0.5 : 2;
  return power;
}

/** ln 2 as a multiple of 2^-16, and the rest in float32: k * high is exact in float32 for whole |k| <= 128. */
export const LN2_SPLIT = split16(LN2, LN2_REST);

/** value + rest as a multiple of 2^-16 plus a float32. */
export function split16(value: number, rest = 0): { readonly high: number; readonly low: number } {
  const high = Math.round(value * 65536) / 65536;
  return { high, low: Math.fround(value - high + rest) };
}
