/** Unit roundoff of float32: half the spacing at 1. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** Smallest normal float32; below it a backend may flush to zero. */
export const SMALLEST_NORMAL = 2 ** -126;

/** Largest finite float32. */
export const LARGEST_FINITE = 2 ** 128 - 2 ** 104;

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** The 32 bits of x rounded to float32; one pattern for every NaN. */
export function bitsOf(x: number): number {
  if (Number.isNaN(x)) return 0x7fc00000;
  floats[0] = x;
  return words[0]!;
}

/** `3f800000`. */
export const hexBits = (x: number) => bitsOf(x).toString(16).padStart(8, "0");

/** Number of ones in a 32-bit word. */
export function countOnes(word: number): number {
  let ones = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) ones++;
  return ones;
}

const doubles = new Float64Array(1);
const halves = new Uint32Array(doubles.buffer);
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Unit in the last place: the spacing of float32 numbers in the binade of |x|, at least that of the denormals. */
export function ulpOf(x: number): number {
  if (!Number.isFinite(x)) return Number.POSITIVE_INFINITY;
  doubles[0] = x;
  const exponent = ((halves[HIGH]! >>> 20) & 0x7ff) - 1023;
  return 2 ** (Math.max(exponent, -126) - 23);
}
