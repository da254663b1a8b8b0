/** int16 pairs (a, b) for dot products. */
export function pairFactors(a: i32, b: i32): v128 {
  return i32x4.splat((a & 0xffff) | (b << 16));
}

/** The pairs (a(i), b(i)), i = 0 .. 3, of two int16x8. */
export function lowerPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** i = 4 .. 7. */
export function upperPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
