import { lowerBytes, lowerPairs, pairAt, upperBytes, upperPairs } from "./vectors";

/*
 * From components to RGB rows (JFIF; ITU-R BT.601), with the roundings of libjpeg: with u = Cb - 128, v = Cr - 128
 *
 *   R = Y + (91881 v + 2^15 >> 16), B = Y + (116130 u + 2^15 >> 16), G = Y + (-22554 u - 46802 v + 2^15 >> 16)
 *
 * Red's and blue's parts are also (22970 (2 v) + 2^14) >> 15 and (29033 (2 u) + 2^14) >> 15, one instruction each, for every
 * v and u that there is. In green's, -46802 v = -65536 v + 18734 v, so that the rest fits 16 bits.
 *
 * Rows may be written up to 49 bytes beyond their end.
 */

/** Pairs: red's factor, blue's, 128, green's two, 2^15 as int32. */
const FACTORS = memory.data<i16>([22970, 22970, 29033, 29033, 128, 128, -22554, 18734, -32768, 0]);

function greenPart(u: v128, v: v128, factors: v128, half: v128): v128 {
  const first = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(lowerPairs(u, v), factors), half), 16);
  const last = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(upperPairs(u, v), factors), half), 16);
  return i16x8.sub(i16x8.narrow_i32x4_s(first, last), v);
}

function redOrBluePart(difference: v128, factor: v128): v128 {
  return i16x8.q15mulr_sat_s(i16x8.shl(difference, 1), factor);
}

/** One row of `width` pixels. */
export function rowToRgb(luma: usize, blue: usize, red: usize, target: usize, width: i32): void {
  const forRed = pairAt(FACTORS);
  const forBlue = pairAt(FACTORS + 4);
  const centre = pairAt(FACTORS + 8);
  const forGreen = pairAt(FACTORS + 12);
  const half = pairAt(FACTORS + 16);
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
    const r = i8x16.narrow_i16x8_u(i16x8.add(y0, redOrBluePart(v0, forRed)), i16x8.add(y1, redOrBluePart(v1, forRed)));
    const g = i8x16.narrow_i16x8_u(
      i16x8.add(y0, greenPart(u0, v0, forGreen, half)),
      i16x8.add(y1, greenPart(u1, v1, forGreen, half)),
    );
    const b = i8x16.narrow_i16x8_u(
      i16x8.add(y0, redOrBluePart(u0, forBlue)),
      i16x8.add(y1, redOrBluePart(u1, forBlue)),
    );
    storeRgb(target, r, g, b);
    luma += 16;
    blue += 16;
    red += 16;
    target += 48;
  }
}

/** 16 pixels. Interleaving is an instruction; a shuffle of two vectors into threes would be a dozen. */
function storeRgb(target: usize, r: v128, g: v128, b: v128): void {
  const rg0 = lowerBytes(r, g);
  const rg1 = upperBytes(r, g);
  const bb0 = lowerBytes(b, b);
  const bb1 = upperBytes(b, b);
  storeFour(target, lowerPairs(rg0, bb0));
  storeFour(target + 12, upperPairs(rg0, bb0));
  storeFour(target + 24, lowerPairs(rg1, bb1));
  storeFour(target + 36, upperPairs(rg1, bb1));
}

/** Four pixels r g b b, and four bytes that the next pixels overwrite. */
function storeFour(target: usize, pixels: v128): void {
  v128.store(target, v128.swizzle(pixels, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1)));
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
