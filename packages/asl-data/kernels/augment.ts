/*
 * Loops of the augmentations over RGB bytes. Up to 16 bytes beyond the end are read and, where a target is apart from its
 * source, written.
 */

/** target(i) = table(source(i)) for `count` bytes. */
export function mapBytes(source: usize, count: i32, table: usize, target: usize): void {
  const end = source + count;
  while (source < end) {
    const bytes = load<u64>(source);
    const low =
      <u64>load<u8>(table + <usize>(bytes & 255)) |
      ((<u64>load<u8>(table + <usize>((bytes >>> 8) & 255))) << 8) |
      ((<u64>load<u8>(table + <usize>((bytes >>> 16) & 255))) << 16) |
      ((<u64>load<u8>(table + <usize>((bytes >>> 24) & 255))) << 24);
    const high =
      <u64>load<u8>(table + <usize>((bytes >>> 32) & 255)) |
      ((<u64>load<u8>(table + <usize>((bytes >>> 40) & 255))) << 8) |
      ((<u64>load<u8>(table + <usize>((bytes >>> 48) & 255))) << 16) |
      ((<u64>load<u8>(table + <usize>(bytes >>> 56))) << 24);
    store<u64>(target, low | (high << 32));
    source += 8;
    target += 8;
  }
}

/** The same with a table for each channel, [3, 256]. */
export function mapChannels(source: usize, pixels: i32, tables: usize, target: usize): void {
  for (const end = source + pixels * 3; source < end; source += 3) {
    store<u8>(target, load<u8>(tables + load<u8>(source)));
    store<u8>(target, load<u8>(tables + 256 + load<u8>(source, 1)), 1);
    store<u8>(target, load<u8>(tables + 512 + load<u8>(source, 2)), 2);
    target += 3;
  }
}

/** How often each value occurs in each channel: adds to i32[3][256]. */
export function countValues(source: usize, pixels: i32, counts: usize): void {
  for (const end = source + pixels * 3; source < end; source += 3) {
    count(counts + ((<usize>load<u8>(source)) << 2));
    count(counts + 1024 + ((<usize>load<u8>(source, 1)) << 2));
    count(counts + 2048 + ((<usize>load<u8>(source, 2)) << 2));
  }
}

function count(at: usize): void {
  store<i32>(at, load<i32>(at) + 1);
}

/** Grey values of four pixels: (19595 R + 38470 G + 7471 B + 2^15) >> 16 (ITU-R 601-2); G's weight in two halves. */
function greyOf(bytes: v128): v128 {
  const redGreen = v128.swizzle(bytes, i8x16(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1));
  const blueGreen = v128.swizzle(bytes, i8x16(2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1));
  const sum = i32x4.add(
    i32x4.dot_i16x8_s(redGreen, i32x4.splat(19595 | (19235 << 16))),
    i32x4.dot_i16x8_s(blueGreen, i32x4.splat(7471 | (19235 << 16))),
  );
  return i32x4.shr_u(i32x4.add(sum, i32x4.splat(1 << 15)), 16);
}

/** The sum of all grey values. The last up to 3 pixels are left to the caller. */
export function sumGrey(source: usize, pixels: i32): f64 {
  let sum: v128 = i64x2.splat(0);
  for (const end = source + (pixels >> 2) * 12; source < end; source += 12) {
    const grey = greyOf(v128.load(source));
    sum = i64x2.add(sum, i64x2.extend_low_i32x4_u(grey));
    sum = i64x2.add(sum, i64x2.extend_high_i32x4_u(grey));
  }
  return <f64>(i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1));
}

/** d + factor (v - d) in float32, cut off to whole numbers. */
function away(value: v128, d: v128, factor: v128): v128 {
  const difference = f32x4.convert_i32x4_s(i32x4.sub(value, d));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(d), f32x4.mul(factor, difference)));
}

/** Away from grey: every channel is d + factor (v - d), d the pixel's grey value. */
export function adjustSaturation(source: usize, pixels: i32, factor: f32, target: usize): void {
  const factors = f32x4.splat(factor);
  for (const end = source + pixels * 3; source < end; source += 12) {
    const bytes = v128.load(source);
    const grey = greyOf(bytes);
    const red = v128.swizzle(bytes, i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
    const green = v128.swizzle(bytes, i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1));
    const blue = v128.swizzle(bytes, i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
    const redGreen = i16x8.narrow_i32x4_s(away(red, grey, factors), away(green, grey, factors));
    const both = away(blue, grey, factors);
    const planes = i8x16.narrow_i16x8_u(redGreen, i16x8.narrow_i32x4_s(both, both));
    v128.store(target, v128.swizzle(planes, i8x16(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1)));
    target += 12;
  }
}

/** Sums of three bytes above each other, eight times. */
function columnSums(at: usize, stride: usize): v128 {
  const upper = i16x8.extend_low_i8x16_u(v128.load64_zero(at - stride));
  const middle = i16x8.extend_low_i8x16_u(v128.load64_zero(at));
  const lower = i16x8.extend_low_i8x16_u(v128.load64_zero(at + stride));
  return i16x8.add(i16x8.add(upper, middle), lower);
}

/** Away from blur, [1 1 1; 1 5 1; 1 1 1] / 13, for the inner pixels of rows of `stride` bytes; the border stays. */
export function adjustSharpness(source: usize, stride: usize, height: i32, factor: f32, target: usize): void {
  const factors = f32x4.splat(factor);
  for (let y = 1; y < height - 1; y++) {
    source += stride;
    target += stride;
    for (let i: usize = 3; i < stride - 3; i += 8) {
      const at = source + i;
      const value = i16x8.extend_low_i8x16_u(v128.load64_zero(at));
      const sides = i16x8.add(columnSums(at - 3, stride), columnSums(at + 3, stride));
      const sum = i16x8.add(i16x8.add(sides, columnSums(at, stride)), i16x8.shl(value, 2));
      // round(sum / 13) = floor((2 sum + 13) / 26) = (2 sum + 13) 20165 >> 19 for all sums up to 13 x 255
      const twice = i16x8.add(i16x8.shl(sum, 1), i16x8.splat(13));
      const reciprocal = i16x8.splat(20165);
      const blurredLow = i32x4.shr_u(i32x4.extmul_low_i16x8_u(twice, reciprocal), 19);
      const blurredHigh = i32x4.shr_u(i32x4.extmul_high_i16x8_u(twice, reciprocal), 19);
      const low = away(i32x4.extend_low_i16x8_u(value), blurredLow, factors);
      const high = away(i32x4.extend_high_i16x8_u(value), blurredHigh, factors);
      const words = i16x8.narrow_i32x4_s(low, high);
      v128.store64_lane(target + i, i8x16.narrow_i16x8_u(words, words), 0);
    }
    // the border at the row's end, and what was written beyond it
    store<i32>(target + stride - 3, load<i32>(source + stride - 3));
    store<i32>(target + stride, load<i32>(source + stride));
  }
}

/**
 * The nearest pixels along lines in 16.16 fixed point: (x, y) shows the source at (xStart + x xStep + y xRowStep) >> 16 and
 * so on; fill (4 bytes, red first) where that is outside. Sums wrap at 32 bits.
 */
export function mapNearest(
  source: usize,
  width: i32,
  height: i32,
  target: usize,
  fill: i32,
  xStart: i32,
  xStep: i32,
  xRowStep: i32,
  yStart: i32,
  yStep: i32,
  yRowStep: i32,
): void {
  for (let y = 0; y < height; y++) {
    let xAt = xStart;
    let yAt = yStart;
    for (let x = 0; x < width; x++) {
      const column = xAt >> 16;
      const row = yAt >> 16;
      const isInside = <u32>column < <u32>width && <u32>row < <u32>height;
      // the byte too many is overwritten by the next pixel
      store<i32>(target, isInside ? load<i32>(source + <usize>((row * width + column) * 3)) : fill);
      target += 3;
      xAt += xStep;
      yAt += yStep;
    }
    xStart += xRowStep;
    yStart += yRowStep;
  }
}

/** Every row from right to left. */
export function mirrorRows(source: usize, width: i32, height: i32, target: usize): void {
  for (let y = 0; y < height; y++) {
    let from = source + (width - 1) * 3;
    for (let x = 0; x < width; x++) {
      store<i32>(target, load<i32>(from));
      target += 3;
      from -= 3;
    }
    source += width * 3;
  }
}
