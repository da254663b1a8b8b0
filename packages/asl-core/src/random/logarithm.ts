/** 1/3, 1/5, ... 1/23: |z| <= 0.1716 makes the first term left out, 2 z^25 / 25, smaller than 2^-53 of the sum. */
const ODD_RECIPROCALS = Array.from({ length: 11 }, (_, k) => 1 / (2 * k + 3));

/**
 * ln x for a normal float64 x > 0, within a few units in the last place, of + - * / only: each of these rounds in one
 * way by IEEE 754, so that the result has the same bits on every engine, which Math.log does not promise.
 */
export function logarithm(x: number): number {
  // x = m 2^e with m in [1/sqrt 2, sqrt 2); scaling by powers of two is exact
  let m = x;
  let e = 0;
  while (m < Math.SQRT1_2) {
    m *= 2;
    e--;
  }
  while (m >= Math.SQRT2) {
    m /= 2;
    e++;
  }
  // ln m = 2 artanh z = 2 (z + z^3/3 + z^5/5 + ...),  z = (m - 1) / (m + 1)
  const z = (m - 1) / (m + 1);
  const square = z * z;
  let series = 0;
  for (let k = ODD_RECIPROCALS.length - 1; k >= 0; k--) series = (series + ODD_RECIPROCALS[k]!) * square;
  return 2 * (z + z * series) + e * Math.LN2;
}
