import { InputError } from "asl-core";
import type { Picture } from "./picture.js";

/** `infer` uses bicubic, `validate` and training bilinear; both widen with the scale (antialiased). */
export type ResizeFilter = "bicubic" | "bilinear";

/** A pixel is 8 bits, a weight sum may pass 1 a little (2 bits), the rest of an int32 is the weight's fraction. */
const FRACTION_BITS = 32 - 8 - 2;
const HALF = 1 << (FRACTION_BITS - 1);

interface Kernel {
  /** Half-width in source pixels at scale 1. */
  readonly support: number;
  readonly weight: (distance: number) => number;
}

const KERNELS: Readonly<Record<ResizeFilter, Kernel>> = {
  // w(x) = 1 - |x|
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic convolution with a = -1/2:
  // w(x) = (a + 2)|x|^3 - (a + 3)|x|^2 + 1 for |x| < 1;  a|x|^3 - 5a|x|^2 + 8a|x| - 4a for |x| < 2
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
};

/** For every output position: the first source position, how many, and their fixed-point weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `weights[position * width + tap]`. */
  readonly weights: Int32Array;
  readonly width: number;
}

/**
 * Resizes to exactly `width` x `height` (the aspect ratio is not kept), byte for byte as Pillow's `Image.resize`:
 * an antialiased separable filter in 22-bit fixed point, rows first, then columns, 8 bits in between.
 * The same size gives the same picture back. Throws InputError for a size that is not a positive integer.
 */
export function resize(picture: Picture, width: number, height: number, filter: ResizeFilter): Picture {
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new InputError(`resize: ${name} must be a positive integer; got ${value}`);
    }
  }
  const kernel = KERNELS[filter];
  if (kernel === undefined) throw new InputError(`resize: filter must be "bicubic" or "bilinear"; got "${filter}"`);

  let { data } = picture;
  if (width !== picture.width) {
    data = resizeRows(data, picture.width, picture.height, width, tapsOf(picture.width, width, filter));
  }
  if (height !== picture.height) {
    data = resizeColumns(data, width, height, tapsOf(picture.height, height, filter));
  }
  return { width, height, data };
}

/* Both passes store through a Uint8ClampedArray, which limits to 0 .. 255 by itself. Sums wrap at 32 bits. */

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

const tapsCache = new Map<string, Taps>();

/** Datasets repeat few sizes, so the last taps are kept. */
function tapsOf(sourceSize: number, targetSize: number, filter: ResizeFilter): Taps {
  const key = `${sourceSize} ${targetSize} ${filter}`;
  let taps = tapsCache.get(key);
  if (taps === undefined) {
    if (tapsCache.size >= 256) tapsCache.clear();
    taps = computeTaps(sourceSize, targetSize, KERNELS[filter]);
    tapsCache.set(key, taps);
  }
  return taps;
}

/**
 * Output position i is centred on c = (i + 1/2) s in the source, s = source / target. Enlarging uses the kernel as it
 * is; shrinking stretches it by s. Weights are those of the pixels' centres, divided by their sum, rounded half away
 * from zero to fixed point.
 */
function computeTaps(sourceSize: number, targetSize: number, kernel: Kernel): Taps {
  const scale = sourceSize / targetSize;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(targetSize);
  const count = new Int32Array(targetSize);
  const weights = new Int32Array(targetSize * width);
  const real = new Float64Array(width);
  const inverse = 1 / stretch;
  for (let i = 0; i < targetSize; i++) {
    const centre = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - support + 0.5));
    const taken = Math.min(sourceSize, Math.trunc(centre + support + 0.5)) - from;
    let sum = 0;
    for (let tap = 0; tap < taken; tap++) {
      real[tap] = kernel.weight((tap + from - centre + 0.5) * inverse);
      sum += real[tap]!;
    }
    for (let tap = 0; tap < taken; tap++) {
      const scaled = (sum === 0 ? real[tap]! : real[tap]! / sum) * (1 << FRACTION_BITS);
      weights[i * width + tap] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
    first[i] = from;
    count[i] = taken;
  }
  return { first, count, weights, width };
}
