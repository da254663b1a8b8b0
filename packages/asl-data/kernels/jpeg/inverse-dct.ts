import { lowerPairs, pairFactors, upperPairs } from "./vectors";

/*
 * The inverse DCT of 8 x 8 samples in 13-bit fixed point, columns first, with 2 more bits kept between the passes: the
 * numbers of the Independent JPEG Group's accurate integer method ("islow"; Loeffler, Ligtenberg and Moschytz 1989), from
 * whose 13-bit constants the matrices below are put together. With c(k) = sqrt(2) cos(k pi / 16) 2^13:
 *
 *   x(i) = e(i) + o(i), x(7 - i) = e(i) - o(i), i = 0 .. 3
 *   e(0), e(3) = (X0 + X4) 2^13 +- (c(2) X2 + c(6) X6);  e(1), e(2) = (X0 - X4) 2^13 +- (c(6) X2 - c(2) X6)
 *   o = ODD (X1, X3, X5, X7)
 *
 * Sums are exact in 32 bits; a pass rounds once, at its end, and saturates to 16 bits.
 */

/** 8 x 8 int16 between the passes. */
const SCRATCH = memory.data(128, 16);

function round(sum: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(1 << (shift - 1))), shift);
}

/** One pass over eight columns in place, four at a time. */
function transformColumns(at: usize, shift: i32): void {
  const x0 = v128.load(at);
  const x1 = v128.load(at, 16);
  const x2 = v128.load(at, 32);
  const x3 = v128.load(at, 48);
  const x4 = v128.load(at, 64);
  const x5 = v128.load(at, 80);
  const x6 = v128.load(at, 96);
  const x7 = v128.load(at, 112);
  transformFour(at, lowerPairs(x0, x4), lowerPairs(x2, x6), lowerPairs(x1, x3), lowerPairs(x5, x7), shift);
  transformFour(at + 8, upperPairs(x0, x4), upperPairs(x2, x6), upperPairs(x1, x3), upperPairs(x5, x7), shift);
}

/** Four columns: pairs (X0, X4), (X2, X6), (X1, X3), (X5, X7). Stores 4 x int16 in each of eight rows of 16 bytes. */
function transformFour(at: usize, p04: v128, p26: v128, p13: v128, p57: v128, shift: i32): void {
  const sum = i32x4.dot_i16x8_s(p04, pairFactors(8192, 8192));
  const difference = i32x4.dot_i16x8_s(p04, pairFactors(8192, -8192));
  const outer = i32x4.dot_i16x8_s(p26, pairFactors(10703, 4433));
  const inner = i32x4.dot_i16x8_s(p26, pairFactors(4433, -10704));
  store4(
    at,
    i32x4.add(sum, outer),
    i32x4.add(i32x4.dot_i16x8_s(p13, pairFactors(11363, 9633)), i32x4.dot_i16x8_s(p57, pairFactors(6437, 2260))),
    0,
    shift,
  );
  store4(
    at,
    i32x4.add(difference, inner),
    i32x4.add(i32x4.dot_i16x8_s(p13, pairFactors(9633, -2259)), i32x4.dot_i16x8_s(p57, pairFactors(-11362, -6436))),
    1,
    shift,
  );
  store4(
    at,
    i32x4.sub(difference, inner),
    i32x4.add(i32x4.dot_i16x8_s(p13, pairFactors(6437, -11362)), i32x4.dot_i16x8_s(p57, pairFactors(2261, 9633))),
    2,
    shift,
  );
  store4(
    at,
    i32x4.sub(sum, outer),
    i32x4.add(i32x4.dot_i16x8_s(p13, pairFactors(2260, -6436)), i32x4.dot_i16x8_s(p57, pairFactors(9633, -11363))),
    3,
    shift,
  );
}

/** Rows i and 7 - i from even and odd part. */
function store4(at: usize, even: v128, odd: v128, i: usize, shift: i32): void {
  const first = round(i32x4.add(even, odd), shift);
  const last = round(i32x4.sub(even, odd), shift);
  const both = i16x8.narrow_i32x4_s(first, last);
  v128.store64_lane(at + (i << 4), both, 0);
  v128.store64_lane(at + ((7 - i) << 4), both, 1);
}

function transpose(at: usize): void {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  const e = v128.load(at, 64);
  const f = v128.load(at, 80);
  const g = v128.load(at, 96);
  const h = v128.load(at, 112);
  // (a e), (b f), (c g), (d h), then (a c e g), (b d f h), then all
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
  v128.store(at, lowerPairs(aceg0, bdfh0));
  v128.store(at, upperPairs(aceg0, bdfh0), 16);
  v128.store(at, lowerPairs(aceg1, bdfh1), 32);
  v128.store(at, upperPairs(aceg1, bdfh1), 48);
  v128.store(at, lowerPairs(aceg2, bdfh2), 64);
  v128.store(at, upperPairs(aceg2, bdfh2), 80);
  v128.store(at, lowerPairs(aceg3, bdfh3), 96);
  v128.store(at, upperPairs(aceg3, bdfh3), 112);
}

/** Samples 0 .. 255 of a block at `target`, rows `stride` bytes apart. */
function inverseDct(block: usize, quantization: usize, target: usize, stride: usize): void {
  for (let row: usize = 0; row < 128; row += 16) {
    v128.store(SCRATCH + row, i16x8.mul(v128.load(block + row), v128.load(quantization + row)));
  }
  transformColumns(SCRATCH, 13 - 2);
  transpose(SCRATCH);
  transformColumns(SCRATCH, 13 + 2 + 3);
  transpose(SCRATCH);
  const middle = i16x8.splat(128);
  for (let row: usize = 0; row < 128; row += 32) {
    const upper = i16x8.add_sat_s(v128.load(SCRATCH + row), middle);
    const lower = i16x8.add_sat_s(v128.load(SCRATCH + row, 16), middle);
    const samples = i8x16.narrow_i16x8_u(upper, lower);
    v128.store64_lane(target, samples, 0);
    v128.store64_lane(target + stride, samples, 1);
    target += 2 * stride;
  }
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

/** The samples of a component: int16[down][across][64] and their masks to uint8[down * 8][stride]. quantization: int16[64]. */
export function reconstruct(
  coefficients: usize,
  masks: usize,
  quantization: usize,
  across: i32,
  down: i32,
  target: usize,
  stride: usize,
): void {
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const to = target + <usize>x * 8;
      if (load<u64>(masks) === 0) flatBlock(<i16>(load<i16>(coefficients) * load<i16>(quantization)), to, stride);
      else inverseDct(coefficients, quantization, to, stride);
      coefficients += 128;
      masks += 8;
    }
    target += stride * 8;
  }
}
