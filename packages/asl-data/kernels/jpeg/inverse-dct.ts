import { lowerBytes, lowerPairs, pairAt, upperBytes, upperPairs } from "./vectors";

/*
 * The inverse DCT of 8 x 8 samples in 13-bit fixed point, columns first, with 2 more bits kept between the passes: the
 * numbers of the Independent JPEG Group's accurate integer method ("islow"; Loeffler, Ligtenberg and Moschytz 1989), put
 * together for dot products of two. With c(k) = sqrt(2) cos(k pi / 16) 2^13:
 *
 *   x(i) = e(i) + o(i), x(7 - i) = e(i) - o(i), i = 0 .. 3
 *   e(0), e(3) = (X0 + X4) 2^13 +- (c(2) X2 + c(6) X6);  e(1), e(2) = (X0 - X4) 2^13 +- (c(6) X2 - c(2) X6)
 *   with p = X3 + X7, q = X1 + X5:  P = -6436 p + 9633 q, Q = 9633 p + 6437 q
 *   o(0) = 4926 X1 - 7373 X7 + Q,  o(1) = 4177 X3 - 20995 X5 + P
 *   o(2) = -4176 X5 - 20995 X3 + Q,  o(3) = -4927 X7 - 7373 X1 + P
 *
 * Products and their sums are exact in 32 bits, a pass rounds once, at its end. Between the passes 16 bits are enough for
 * blocks up to MOST_SIZE; beyond, versions of libjpeg do not agree with one another.
 */

/**
 * Most that the sizes of the dequantized coefficients may add up to, in columns 0, 1, 4, 5 as in 2, 3, 6, 7. A pass makes at
 * most 4 x 1.3872 of each (11363 / 8192 is the largest factor), and the second one adds two results from one of these halves:
 * 5.549 x 5900 + 1 < 2^15. A block of 64 samples has at most sqrt(32) x 1024 = 5793 in a half, before it is quantized.
 */
const MOST_SIZE = 5900;

/** 8 x 8 int16 between the passes. */
const SCRATCH = memory.data(128, 16);

/** Of sums, e and o, in pairs: see the formulas above. */
const FACTORS = memory.data<i16>([
  8192, 0, 10703, 4433, 4433, -10704, -6436, 9633, 9633, 6437, 4926, -7373, -7373, -4927, 4177, -20995, -20995, -4176,
]);

/** One pass over eight columns, X0 .. X7 (int16x8), to SCRATCH. */
function transformColumns(
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  x4: v128,
  x5: v128,
  x6: v128,
  x7: v128,
  shift: i32,
): void {
  // rounded with the sum of X0 and X4, which is in all of them
  const half = i32x4.splat(1 << (shift - 1));
  const zero = i16x8.splat(0);
  const one = pairAt(FACTORS);
  const sum = i16x8.add(x0, x4);
  const difference = i16x8.sub(x0, x4);
  const sumLow = i32x4.add(i32x4.dot_i16x8_s(lowerPairs(sum, zero), one), half);
  const sumHigh = i32x4.add(i32x4.dot_i16x8_s(upperPairs(sum, zero), one), half);
  const differenceLow = i32x4.add(i32x4.dot_i16x8_s(lowerPairs(difference, zero), one), half);
  const differenceHigh = i32x4.add(i32x4.dot_i16x8_s(upperPairs(difference, zero), one), half);
  let low = lowerPairs(x2, x6);
  let high = upperPairs(x2, x6);
  const outer = pairAt(FACTORS + 4);
  const inner = pairAt(FACTORS + 8);
  const outerLow = i32x4.dot_i16x8_s(low, outer);
  const outerHigh = i32x4.dot_i16x8_s(high, outer);
  const innerLow = i32x4.dot_i16x8_s(low, inner);
  const innerHigh = i32x4.dot_i16x8_s(high, inner);
  const p = i16x8.add(x3, x7);
  const q = i16x8.add(x1, x5);
  low = lowerPairs(p, q);
  high = upperPairs(p, q);
  const pLow = i32x4.dot_i16x8_s(low, pairAt(FACTORS + 12));
  const pHigh = i32x4.dot_i16x8_s(high, pairAt(FACTORS + 12));
  const qLow = i32x4.dot_i16x8_s(low, pairAt(FACTORS + 16));
  const qHigh = i32x4.dot_i16x8_s(high, pairAt(FACTORS + 16));
  low = lowerPairs(x1, x7);
  high = upperPairs(x1, x7);
  let factors = pairAt(FACTORS + 20);
  let oddLow = i32x4.add(i32x4.dot_i16x8_s(low, factors), qLow);
  let oddHigh = i32x4.add(i32x4.dot_i16x8_s(high, factors), qHigh);
  storeRows(0, i32x4.add(sumLow, outerLow), i32x4.add(sumHigh, outerHigh), oddLow, oddHigh, shift);
  factors = pairAt(FACTORS + 24);
  oddLow = i32x4.add(i32x4.dot_i16x8_s(low, factors), pLow);
  oddHigh = i32x4.add(i32x4.dot_i16x8_s(high, factors), pHigh);
  storeRows(3, i32x4.sub(sumLow, outerLow), i32x4.sub(sumHigh, outerHigh), oddLow, oddHigh, shift);
  low = lowerPairs(x3, x5);
  high = upperPairs(x3, x5);
  factors = pairAt(FACTORS + 28);
  oddLow = i32x4.add(i32x4.dot_i16x8_s(low, factors), pLow);
  oddHigh = i32x4.add(i32x4.dot_i16x8_s(high, factors), pHigh);
  storeRows(1, i32x4.add(differenceLow, innerLow), i32x4.add(differenceHigh, innerHigh), oddLow, oddHigh, shift);
  factors = pairAt(FACTORS + 32);
  oddLow = i32x4.add(i32x4.dot_i16x8_s(low, factors), qLow);
  oddHigh = i32x4.add(i32x4.dot_i16x8_s(high, factors), qHigh);
  storeRows(2, i32x4.sub(differenceLow, innerLow), i32x4.sub(differenceHigh, innerHigh), oddLow, oddHigh, shift);
}

/** Rows i and 7 - i from even and odd parts of four columns each. */
function storeRows(i: usize, evenLow: v128, evenHigh: v128, oddLow: v128, oddHigh: v128, shift: i32): void {
  const sumLow = i32x4.shr_s(i32x4.add(evenLow, oddLow), shift);
  const sumHigh = i32x4.shr_s(i32x4.add(evenHigh, oddHigh), shift);
  v128.store(SCRATCH + (i << 4), i16x8.narrow_i32x4_s(sumLow, sumHigh));
  const differenceLow = i32x4.shr_s(i32x4.sub(evenLow, oddLow), shift);
  const differenceHigh = i32x4.shr_s(i32x4.sub(evenHigh, oddHigh), shift);
  v128.store(SCRATCH + ((7 - i) << 4), i16x8.narrow_i32x4_s(differenceLow, differenceHigh));
}

function dequantize(block: usize, quantization: usize): v128 {
  return i16x8.mul(v128.load(block), v128.load(quantization));
}

/** Samples 0 .. 255 of a block at `target`, rows `stride` bytes apart. */
function inverseDct(block: usize, quantization: usize, target: usize, stride: usize): void {
  transformColumns(
    dequantize(block, quantization),
    dequantize(block + 16, quantization + 16),
    dequantize(block + 32, quantization + 32),
    dequantize(block + 48, quantization + 48),
    dequantize(block + 64, quantization + 64),
    dequantize(block + 80, quantization + 80),
    dequantize(block + 96, quantization + 96),
    dequantize(block + 112, quantization + 112),
    13 - 2,
  );
  // rows to columns: (a e), (b f), (c g), (d h), then (a c e g), (b d f h), then all
  const a = v128.load(SCRATCH);
  const b = v128.load(SCRATCH, 16);
  const c = v128.load(SCRATCH, 32);
  const d = v128.load(SCRATCH, 48);
  const e = v128.load(SCRATCH, 64);
  const f = v128.load(SCRATCH, 80);
  const g = v128.load(SCRATCH, 96);
  const h = v128.load(SCRATCH, 112);
  const ae0 = lowerPairs(a, e);
  const ae1 = upperPairs(a, e);
  const bf0 = lowerPairs(b, f);
  const bf1 = upperPairs(b, f);
  const cg0 = lowerPairs(c, g);
  const cg1 = upperPairs(c, g);
  const dh0 = lowerPairs(d, h);
  const dh1 = upperPairs(d, h);
  const aceg0 = lowerPairs(ae0, cg0);
  const aceg1 = upperPairs(ae0, cg0);
  const aceg2 = lowerPairs(ae1, cg1);
  const aceg3 = upperPairs(ae1, cg1);
  const bdfh0 = lowerPairs(bf0, dh0);
  const bdfh1 = upperPairs(bf0, dh0);
  const bdfh2 = lowerPairs(bf1, dh1);
  const bdfh3 = upperPairs(bf1, dh1);
  transformColumns(
    lowerPairs(aceg0, bdfh0),
    upperPairs(aceg0, bdfh0),
    lowerPairs(aceg1, bdfh1),
    upperPairs(aceg1, bdfh1),
    lowerPairs(aceg2, bdfh2),
    upperPairs(aceg2, bdfh2),
    lowerPairs(aceg3, bdfh3),
    upperPairs(aceg3, bdfh3),
    13 + 2 + 3,
  );
  // columns of samples to rows: (0 2), (1 3) and (4 6), (5 7), then (0 1 2 3) and (4 5 6 7), then all
  const s04 = samples(0, 4);
  const s15 = samples(1, 5);
  const s26 = samples(2, 6);
  const s37 = samples(3, 7);
  const s02 = lowerBytes(s04, s26);
  const s46 = upperBytes(s04, s26);
  const s13 = lowerBytes(s15, s37);
  const s57 = upperBytes(s15, s37);
  const left0 = lowerBytes(s02, s13);
  const left4 = upperBytes(s02, s13);
  const right0 = lowerBytes(s46, s57);
  const right4 = upperBytes(s46, s57);
  storeTwoRows(target, stride, v128.shuffle<i32>(left0, right0, 0, 4, 1, 5));
  storeTwoRows(target + 2 * stride, stride, v128.shuffle<i32>(left0, right0, 2, 6, 3, 7));
  storeTwoRows(target + 4 * stride, stride, v128.shuffle<i32>(left4, right4, 0, 4, 1, 5));
  storeTwoRows(target + 6 * stride, stride, v128.shuffle<i32>(left4, right4, 2, 6, 3, 7));
}

/** Columns i and j of SCRATCH as samples. */
function samples(i: usize, j: usize): v128 {
  const middle = i16x8.splat(128);
  return i8x16.narrow_i16x8_u(
    i16x8.add_sat_s(v128.load(SCRATCH + (i << 4)), middle),
    i16x8.add_sat_s(v128.load(SCRATCH + (j << 4)), middle),
  );
}

function storeTwoRows(target: usize, stride: usize, rows: v128): void {
  v128.store64_lane(target, rows, 0);
  v128.store64_lane(target + stride, rows, 1);
}

/** Whether a block is no larger than MOST_SIZE. */
function isBounded(block: usize, quantization: usize): bool {
  let sum = i32x4.splat(0);
  for (let at: usize = 0; at < 128; at += 16) {
    const coefficients = v128.load(block + at);
    // |-32768| as 32767
    const sizes = i16x8.max_s(coefficients, i16x8.sub_sat_s(i16x8.splat(0), coefficients));
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(sizes, v128.load(quantization + at)));
  }
  const even = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 2);
  const odd = i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 3);
  return even <= MOST_SIZE && odd <= MOST_SIZE;
}

/** A block of nothing but its mean: (((DC 2^2) 2^13) + half) >> 18, in the rows' pass as in the columns'. */
function flatBlock(mean: i32, target: usize, stride: usize): void {
  const sample = min(max(((mean + 4) >> 3) + 128, 0), 255);
  const samples = i8x16.splat(<i8>sample);
  for (let row = 0; row < 8; row++) {
    v128.store64_lane(target, samples, 0);
    target += stride;
  }
}

/**
 * The samples of a component: int16[down][across][64] and their masks to uint8[down * 8][stride]. quantization: int16[64].
 * 0 as soon as a block exceeds MOST_SIZE, else 1.
 */
export function reconstruct(
  coefficients: usize,
  masks: usize,
  quantization: usize,
  across: i32,
  down: i32,
  target: usize,
  stride: usize,
): i32 {
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      if (!isBounded(coefficients, quantization)) return 0;
      const to = target + <usize>x * 8;
      if (load<u64>(masks) === 0) flatBlock(load<i16>(coefficients) * load<i16>(quantization), to, stride);
      else inverseDct(coefficients, quantization, to, stride);
      coefficients += 128;
      masks += 8;
    }
    target += stride * 8;
  }
  return 1;
}
