import { lowerBytes, upperBytes } from "./jpeg/vectors";

/*
 * The two passes of Pillow's resize for RGB bytes: out = clamp((2^21 + sum of weight value) >> 22), sums modulo 2^32.
 *
 * A weight of 24 bits is split into high 2^12 + low with 0 <= low < 2^12, so that both parts fit the 16-bit dot product of
 * two taps; (sum of high value) 2^12 + sum of low value is the same number modulo 2^32. Taps come in pairs, an odd last
 * one with a partner of weight 0, whatever bytes that one reads: 8 bytes a pair, [high0, high1, low0, low1].
 *
 * Rows may be read and written up to 16 bytes (and a partner's pixel or row) beyond their end: later rows overwrite that,
 * and the caller leaves room behind the last one.
 */

const FRACTION_BITS: i32 = 22;
const LOW_BITS: i32 = 12;
const BYTES_OF_PAIR: usize = 8;
/** 2^21, from memory: V8 makes a constant anew each round. */
const HALF = memory.data<i32>([1 << 21, 1 << 21, 1 << 21, 1 << 21], 16);

function finish(high: v128, low: v128): v128 {
  const sum = i32x4.add(i32x4.add(i32x4.shl(high, LOW_BITS), low), v128.load(HALF));
  return i32x4.shr_s(sum, FRACTION_BITS);
}

/** Of eight bytes of a row, before their weights: two i32 offsets, up to the next 16; two masks. */
const EIGHT_BYTES: usize = 48;
/** Of a pair of taps of eight bytes: int16 high[8] and low[8] of the first four, and of the last. */
const EIGHT_PAIR_BYTES: usize = 64;

/**
 * Each row of `source` (stride bytes) to `rowBytes` >= 8, eight bytes at a time; the last eight end with the row. eights, for
 * each of them: where the first pair of taps of its first four bytes, and of the last four, begins in the row; which of 16
 * bytes from there make the pairs; then the weights of each of `pairs`.
 */
export function resizeRowsByEights(
  source: usize,
  stride: usize,
  height: i32,
  target: usize,
  rowBytes: usize,
  eights: usize,
  pairs: i32,
): void {
  const weightBytes = <usize>pairs * EIGHT_PAIR_BYTES;
  for (let y = 0; y < height; y++) {
    let weight = eights;
    for (let at: usize = 0; at < rowBytes; at += 8) {
      let first = source + load<u32>(weight);
      let last = source + load<u32>(weight, 4);
      const firstMask = v128.load(weight, 16);
      const lastMask = v128.load(weight, 32);
      weight += EIGHT_BYTES;
      const end = weight + weightBytes;
      let taps = v128.swizzle(v128.load(first), firstMask);
      let firstHigh = i32x4.dot_i16x8_s(taps, v128.load(weight));
      let firstLow = i32x4.dot_i16x8_s(taps, v128.load(weight, 16));
      taps = v128.swizzle(v128.load(last), lastMask);
      let lastHigh = i32x4.dot_i16x8_s(taps, v128.load(weight, 32));
      let lastLow = i32x4.dot_i16x8_s(taps, v128.load(weight, 48));
      for (weight += EIGHT_PAIR_BYTES; weight < end; weight += EIGHT_PAIR_BYTES) {
        first += 6;
        last += 6;
        taps = v128.swizzle(v128.load(first), firstMask);
        firstHigh = i32x4.add(firstHigh, i32x4.dot_i16x8_s(taps, v128.load(weight)));
        firstLow = i32x4.add(firstLow, i32x4.dot_i16x8_s(taps, v128.load(weight, 16)));
        taps = v128.swizzle(v128.load(last), lastMask);
        lastHigh = i32x4.add(lastHigh, i32x4.dot_i16x8_s(taps, v128.load(weight, 32)));
        lastLow = i32x4.add(lastLow, i32x4.dot_i16x8_s(taps, v128.load(weight, 48)));
      }
      const words = i16x8.narrow_i32x4_s(finish(firstHigh, firstLow), finish(lastHigh, lastLow));
      v128.store64_lane(target + min(at, rowBytes - 8), i8x16.narrow_i16x8_u(words, words), 0);
    }
    source += stride;
    target += rowBytes;
  }
}

/**
 * Each row of `source` (stride bytes) to `width` pixels. taps, per output pixel: i32 byte offset in the row, i32 number of
 * pairs, i32 offset of its weights.
 */
export function resizeRows(
  source: usize,
  stride: usize,
  height: i32,
  target: usize,
  width: i32,
  taps: usize,
  weights: usize,
): void {
  for (let y = 0; y < height; y++) {
    let tap = taps;
    for (let x = 0; x < width; x++) {
      let at = source + load<u32>(tap);
      let weight = weights + load<u32>(tap, 8);
      const end = weight + <usize>load<u32>(tap, 4) * BYTES_OF_PAIR;
      let high = i32x4.splat(0);
      let low = i32x4.splat(0);
      do {
        // r0 r1 g0 g1 b0 b1 0 0
        const pair = v128.swizzle(
          v128.load64_zero(at),
          i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1),
        );
        high = i32x4.add(high, i32x4.dot_i16x8_s(pair, v128.load32_splat(weight)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(pair, v128.load32_splat(weight, 4)));
        at += 6;
        weight += BYTES_OF_PAIR;
      } while (weight < end);
      const words = finish(high, low);
      const halves = i16x8.narrow_i32x4_s(words, words);
      v128.store32_lane(target, i8x16.narrow_i16x8_u(halves, halves), 0);
      target += 3;
      tap += 12;
    }
    source += stride;
  }
}

/** Columns: rows of `stride` bytes are summed up. taps, per output row: i32 byte offset, pairs, offset of weights. */
export function resizeColumns(
  source: usize,
  stride: usize,
  target: usize,
  height: i32,
  taps: usize,
  weights: usize,
): void {
  for (let y = 0; y < height; y++) {
    const from = source + load<u32>(taps);
    const first = weights + load<u32>(taps, 8);
    const end = first + <usize>load<u32>(taps, 4) * BYTES_OF_PAIR;
    if (end === first + BYTES_OF_PAIR) {
      mixRows(from, stride, first, target);
      target += stride;
      taps += 12;
      continue;
    }
    for (let i: usize = 0; i < stride; i += 16) {
      let at = from + i;
      let weight = first;
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      let low0 = i32x4.splat(0);
      let low1 = i32x4.splat(0);
      let low2 = i32x4.splat(0);
      let low3 = i32x4.splat(0);
      do {
        const upper = v128.load(at);
        const lower = v128.load(at + stride);
        const left = lowerBytes(upper, lower);
        const right = upperBytes(upper, lower);
        const high = v128.load32_splat(weight);
        const low = v128.load32_splat(weight, 4);
        let pairs = i16x8.extend_low_i8x16_u(left);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pairs, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pairs, low));
        pairs = i16x8.extend_high_i8x16_u(left);
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pairs, high));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pairs, low));
        pairs = i16x8.extend_low_i8x16_u(right);
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pairs, high));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pairs, low));
        pairs = i16x8.extend_high_i8x16_u(right);
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pairs, high));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pairs, low));
        at += 2 * stride;
        weight += BYTES_OF_PAIR;
      } while (weight < end);
      const bytes = i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(finish(high0, low0), finish(high1, low1)),
        i16x8.narrow_i32x4_s(finish(high2, low2), finish(high3, low3)),
      );
      v128.store(target + i, bytes);
    }
    target += stride;
    taps += 12;
  }
}

/** Two rows, `stride` bytes apart, with one pair of weights. */
function mixRows(from: usize, stride: usize, weight: usize, target: usize): void {
  const high = v128.load32_splat(weight);
  const low = v128.load32_splat(weight, 4);
  for (let i: usize = 0; i < stride; i += 16) {
    const upper = v128.load(from + i);
    const lower = v128.load(from + i + stride);
    const left = lowerBytes(upper, lower);
    const right = upperBytes(upper, lower);
    const first = i16x8.narrow_i32x4_s(
      mix(i16x8.extend_low_i8x16_u(left), high, low),
      mix(i16x8.extend_high_i8x16_u(left), high, low),
    );
    const second = i16x8.narrow_i32x4_s(
      mix(i16x8.extend_low_i8x16_u(right), high, low),
      mix(i16x8.extend_high_i8x16_u(right), high, low),
    );
    v128.store(target + i, i8x16.narrow_i16x8_u(first, second));
  }
}

function mix(pairs: v128, high: v128, low: v128): v128 {
  return finish(i32x4.dot_i16x8_s(pairs, high), i32x4.dot_i16x8_s(pairs, low));
}
