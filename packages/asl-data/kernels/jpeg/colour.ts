import { lowerPairs, pairFactors, upperPairs } from "./vectors";

/*
 * From components to RGB rows (JFIF; ITU-R BT.601), with the roundings of libjpeg:
 *
 *   R = Y + (1.402 v 2^16 + 2^15 >> 16), B = Y + (1.772 u 2^16 + 2^15 >> 16)
 *   G = Y + (-0.714136 v 2^16 - 0.344136 u 2^16 + 2^15 >> 16), u = Cb - 128, v = Cr - 128
 *
 * with factors rounded to 16 bits of fraction: 91881 = 65536 + 26345, 116130 = 2 * 65536 - 14942, 46802 = 65536 - 18734,
 * 22554. Whole multiples of 65536 are added behind the shift, so the rest fits 16 bits.
 *
 * Rows may be written up to 48 bytes beyond their end.
 */

/** (a fa + b fb + 2^15) >> 16 for eight pairs. */
function weigh(lower: v128, upper: v128, both: v128): v128 {
  const half = i32x4.splat(1 << 15);
  const first = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(lower, both), half), 16);
  const last = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(upper, both), half), 16);
  return i16x8.narrow_i32x4_s(first, last);
}

/** One row of `width` pixels. */
export function rowToRgb(luma: usize, blue: usize, red: usize, target: usize, width: i32): void {
  const centre = i16x8.splat(128);
  const end = luma + width;
  while (luma < end) {
    const y = v128.load(luma);
    const cb = v128.load(blue);
    const cr = v128.load(red);
    const u0 = i16x8.sub(i16x8.extend_low_i8x16_u(cb), centre);
    const u1 = i16x8.sub(i16x8.extend_high_i8x16_u(cb), centre);
    const v0 = i16x8.sub(i16x8.extend_low_i8x16_u(cr), centre);
    const v1 = i16x8.sub(i16x8.extend_high_i8x16_u(cr), centre);
    const y0 = i16x8.extend_low_i8x16_u(y);
    const y1 = i16x8.extend_high_i8x16_u(y);
    const low0 = lowerPairs(u0, v0);
    const high0 = upperPairs(u0, v0);
    const low1 = lowerPairs(u1, v1);
    const high1 = upperPairs(u1, v1);
    const forRed = pairFactors(0, 26345);
    const forGreen = pairFactors(-22554, 18734);
    const forBlue = pairFactors(-14942, 0);
    const r = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, v0), weigh(low0, high0, forRed)),
      i16x8.add(i16x8.add(y1, v1), weigh(low1, high1, forRed)),
    );
    const g = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.sub(y0, v0), weigh(low0, high0, forGreen)),
      i16x8.add(i16x8.sub(y1, v1), weigh(low1, high1, forGreen)),
    );
    const b = i8x16.narrow_i16x8_u(
      i16x8.add(i16x8.add(y0, i16x8.shl(u0, 1)), weigh(low0, high0, forBlue)),
      i16x8.add(i16x8.add(y1, i16x8.shl(u1, 1)), weigh(low1, high1, forBlue)),
    );
    storeRgb(target, r, g, b);
    luma += 16;
    blue += 16;
    red += 16;
    target += 48;
  }
}

/** 16 pixels. */
function storeRgb(target: usize, r: v128, g: v128, b: v128): void {
  let mixed = v128.shuffle<u8>(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
  v128.store(target, v128.shuffle<u8>(mixed, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
  mixed = v128.shuffle<u8>(r, g, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
  v128.store(target, v128.shuffle<u8>(mixed, b, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
  mixed = v128.shuffle<u8>(r, g, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
  v128.store(target, v128.shuffle<u8>(mixed, b, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
}

/** One grey row of `width` pixels. */
export function greyRowToRgb(grey: usize, target: usize, width: i32): void {
  const end = grey + width;
  while (grey < end) {
    const y = v128.load(grey);
    storeRgb(target, y, y, y);
    grey += 16;
    target += 48;
  }
}
