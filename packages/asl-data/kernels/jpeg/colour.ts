import { lowerPairs, pairFactors, upperPairs } from "./vectors";

/*
 * From components to RGB rows (JFIF; ITU-R BT.601), with the roundings of libjpeg: with u = Cb - 128, v = Cr - 128
 *
 *   R = Y + (91881 v + 2^15 >> 16), B = Y + (116130 u + 2^15 >> 16), G = Y + (-22554 u - 46802 v + 2^15 >> 16)
 *
 * Red's and blue's parts are also (22970 (2 v) + 2^14) >> 15 and (29033 (2 u) + 2^14) >> 15, one instruction each, for every
 * v and u that there is. In green's, -46802 v = -65536 v + 18734 v, so that the rest fits 16 bits.
 *
 * Rows may be written up to 48 bytes beyond their end.
 */

function redPart(v: v128): v128 {
  return i16x8.q15mulr_sat_s(i16x8.shl(v, 1), i16x8.splat(22970));
}

function bluePart(u: v128): v128 {
  return i16x8.q15mulr_sat_s(i16x8.shl(u, 1), i16x8.splat(29033));
}

function greenPart(u: v128, v: v128): v128 {
  const factors = pairFactors(-22554, 18734);
  const half = i32x4.splat(1 << 15);
  const first = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(lowerPairs(u, v), factors), half), 16);
  const last = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(upperPairs(u, v), factors), half), 16);
  return i16x8.sub(i16x8.narrow_i32x4_s(first, last), v);
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
    const r = i8x16.narrow_i16x8_u(i16x8.add(y0, redPart(v0)), i16x8.add(y1, redPart(v1)));
    const g = i8x16.narrow_i16x8_u(i16x8.add(y0, greenPart(u0, v0)), i16x8.add(y1, greenPart(u1, v1)));
    const b = i8x16.narrow_i16x8_u(i16x8.add(y0, bluePart(u0)), i16x8.add(y1, bluePart(u1)));
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
