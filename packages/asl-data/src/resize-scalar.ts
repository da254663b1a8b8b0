import type { Picture } from "./picture.js";
import { FRACTION_BITS, type Taps } from "./resize-taps.js";

/*
 * The two passes in JavaScript: the reference of kernels/resize.ts, and what runs where WebAssembly SIMD does not.
 * Both store through a Uint8ClampedArray, which limits to 0 .. 255 by itself. Sums wrap at 32 bits.
 */

const HALF = 1 << (FRACTION_BITS - 1);

/** Rows first, then columns; a pass without taps is left out. */
export function resizeScalar(picture: Picture, rows: Taps | undefined, columns: Taps | undefined): Uint8Array {
  let { data } = picture;
  const width = rows?.first.length ?? picture.width;
  if (rows !== undefined) data = resizeRows(data, picture.width, picture.height, width, rows);
  if (columns !== undefined) data = resizeColumns(data, width, columns.first.length, columns);
  return data;
}

function resizeRows(source: Uint8Array, sourceWidth: number, height: number, width: number, taps: Taps): Uint8Array {
  const target = new Uint8ClampedArray(height * width * 3);
  const { first, count, weights } = taps;
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * sourceWidth * 3;
    for (let x = 0; x < width; x++, to += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = row + first[x]! * 3;
      const start = x * taps.width;
      const end = start + count[x]!;
      for (let tap = start; tap < end; tap++, from += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(source[from]!, weight)) | 0;
        green = (green + Math.imul(source[from + 1]!, weight)) | 0;
        blue = (blue + Math.imul(source[from + 2]!, weight)) | 0;
      }
      target[to] = red >> FRACTION_BITS;
      target[to + 1] = green >> FRACTION_BITS;
      target[to + 2] = blue >> FRACTION_BITS;
    }
  }
  return new Uint8Array(target.buffer);
}

/** Whole rows at a time: memory is walked in order, unlike one column at a time. */
function resizeColumns(source: Uint8Array, width: number, height: number, taps: Taps): Uint8Array {
  const stride = width * 3;
  const target = new Uint8ClampedArray(height * stride);
  const sums = new Int32Array(stride);
  const { first, count, weights } = taps;
  for (let y = 0; y < height; y++) {
    const line = target.subarray(y * stride, (y + 1) * stride);
    const rows = source.subarray(first[y]! * stride, (first[y]! + count[y]!) * stride);
    const own = weights.subarray(y * taps.width, y * taps.width + count[y]!);
    if (own.length <= 4) sumUpToFour(rows, own, line);
    else sumMany(rows, own, line, sums);
  }
  return new Uint8Array(target.buffer);
}

/** Enlarging, and shrinking to half: all taps in one go, with weight 0 for those that are not there. */
function sumUpToFour(rows: Uint8Array, weights: Int32Array, line: Uint8ClampedArray): void {
  const stride = line.length;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = weights;
  const [r1, r2, r3] = [1, 2, 3].map((tap) => Math.min(tap, weights.length - 1) * stride) as [number, number, number];
  for (let i = 0; i < stride; i++) {
    const low = Math.imul(rows[i]!, w0) + Math.imul(rows[r1 + i]!, w1);
    const high = Math.imul(rows[r2 + i]!, w2) + Math.imul(rows[r3 + i]!, w3);
    line[i] = (HALF + low + high) >> FRACTION_BITS;
  }
}

function sumMany(rows: Uint8Array, weights: Int32Array, line: Uint8ClampedArray, sums: Int32Array): void {
  const stride = line.length;
  sums.fill(HALF);
  for (let tap = 0, from = 0; tap < weights.length; tap++, from += stride) {
    const weight = weights[tap]!;
    for (let i = 0; i < stride; i++) sums[i] = sums[i]! + Math.imul(rows[from + i]!, weight);
  }
  for (let i = 0; i < stride; i++) line[i] = sums[i]! >> FRACTION_BITS;
}
