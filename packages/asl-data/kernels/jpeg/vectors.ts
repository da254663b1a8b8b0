/** The pair of int16 factors at `factors`, for dot products. From memory it is one instruction; V8 makes a constant in three. */
export function pairAt(factors: usize): v128 {
  return v128.load32_splat(factors);
}

/** The pairs (a(i), b(i)), i = 0 .. 3, of two int16x8. */
export function lowerPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** i = 4 .. 7. */
export function upperPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** The pairs (a(i), b(i)), i = 0 .. 7, of two uint8x16. */
export function lowerBytes(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** i = 8 .. 15. */
export function upperBytes(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
