import { greyRowToRgb, rowToRgb } from "./colour";

/*
 * Chroma at half the width, or half of both sides, is interpolated with the triangle filter of libjpeg ("fancy"): a sample
 * is 3/4 of the nearer and 1/4 of the further neighbour in each direction; at a border the nearer is both.
 */

/**
 * A row at half the width to full width, from s(i), i = -1 .. width (int16, borders repeated; s(0) at `sums`):
 * out(2 i) = (3 s(i) + s(i - 1) + roundLeft) >> shift, out(2 i + 1) = (3 s(i) + s(i + 1) + roundRight) >> shift.
 */
function doubleRow(sums: usize, width: i32, target: usize, roundLeft: i32, roundRight: i32, shift: i32): void {
  const three = i16x8.splat(3);
  const left = i16x8.splat(<i16>roundLeft);
  const right = i16x8.splat(<i16>roundRight);
  for (let i = 0; i < width; i += 8) {
    const near = i16x8.mul(v128.load(sums), three);
    const even = i16x8.shr_u(i16x8.add(i16x8.add(near, v128.load(sums - 2)), left), shift);
    const odd = i16x8.shr_u(i16x8.add(i16x8.add(near, v128.load(sums + 2)), right), shift);
    // below 256, so the odd ones fit into the upper bytes
    v128.store(target, v128.or(even, i16x8.shl(odd, 8)));
    sums += 16;
    target += 16;
  }
}

/** s(i) = factor near(i) + (4 - factor) far(i) for factor 3, near(i) alone for factor 1. */
function sumRows(near: usize, far: usize, factor: i32, width: i32, sums: usize): void {
  const weight = i16x8.splat(<i16>factor);
  const other = i16x8.splat(factor === 3 ? 1 : 0);
  for (let i = 0; i < width; i += 8) {
    const a = i16x8.extend_low_i8x16_u(v128.load64_zero(near + i));
    const b = i16x8.extend_low_i8x16_u(v128.load64_zero(far + i));
    v128.store(sums + ((<usize>i) << 1), i16x8.add(i16x8.mul(a, weight), i16x8.mul(b, other)));
  }
  store<i16>(sums - 2, load<i16>(sums));
  const last = sums + ((<usize>width) << 1);
  store<i16>(last, load<i16>(last - 2));
}

/** Row y of a component with `rows` real rows of `width` samples, at full size; `scratch` holds sums and the row. */
function fullRow(plane: usize, stride: usize, width: i32, rows: i32, halfHeight: bool, y: i32, scratch: usize): usize {
  const sums = scratch + 16;
  const row = sums + ((((<usize>width) << 1) + 47) & ~15);
  if (halfHeight) {
    const near = y >> 1;
    const far = min(max(near + ((y & 1) === 0 ? -1 : 1), 0), rows - 1);
    sumRows(plane + <usize>near * stride, plane + <usize>far * stride, 3, width, sums);
    doubleRow(sums, width, row, 8, 7, 4);
  } else {
    const near = plane + <usize>y * stride;
    sumRows(near, near, 1, width, sums);
    doubleRow(sums, width, row, 1, 2, 2);
  }
  return row;
}

/**
 * Planes of samples (rows luma or chroma stride bytes apart) to RGB [height, width, 3].
 * chromaWidth and chromaRows: real samples; halves: bit 0 for half the width, bit 1 for half the height (and width).
 * scratch: 2 x (4 chromaWidth + 128) bytes.
 */
export function planesToRgb(
  luma: usize,
  lumaStride: usize,
  blue: usize,
  red: usize,
  chromaStride: usize,
  chromaWidth: i32,
  chromaRows: i32,
  halves: i32,
  scratch: usize,
  target: usize,
  width: i32,
  height: i32,
): void {
  const isHalfHeight = (halves & 2) !== 0;
  const other = scratch + ((((<usize>chromaWidth) << 2) + 143) & ~15);
  for (let y = 0; y < height; y++) {
    let blueRow = blue + <usize>y * chromaStride;
    let redRow = red + <usize>y * chromaStride;
    if (halves !== 0) {
      blueRow = fullRow(blue, chromaStride, chromaWidth, chromaRows, isHalfHeight, y, scratch);
      redRow = fullRow(red, chromaStride, chromaWidth, chromaRows, isHalfHeight, y, other);
    }
    rowToRgb(luma, blueRow, redRow, target, width);
    luma += lumaStride;
    target += <usize>width * 3;
  }
}

export function planeToRgb(luma: usize, stride: usize, target: usize, width: i32, height: i32): void {
  for (let y = 0; y < height; y++) {
    greyRowToRgb(luma, target, width);
    luma += stride;
    target += <usize>width * 3;
  }
}
