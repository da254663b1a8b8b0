import { broadcastTo } from "../../functions/broadcasting.js";
import { abs, add, cast, floor, less, mul, sub } from "../../functions/elementwise.js";
import { gather, reduceMax, reduceSum, reshape } from "../../functions/shape.js";
import type { Value } from "../../graph/builder.js";
import { f32, type Shape, sizeOf, type TensorData } from "../../types/tensor.js";
import { powerOfTwo } from "../float64.js";

/**
 * Whole numbers of 8 bits, |digit| <= 128: exact also where a device multiplies in TF32, bfloat16 or float16 and adds in
 * float32.
 */
export const LARGEST_DIGIT = 128;
const BASE = 2 * LARGEST_DIGIT;

/** A sum of whole numbers up to here is exact in float32, in any order and with fused multiply-add. */
export const EXACT_LIMIT = 2 ** 24;

/** Digits of each element when nothing else is asked for: 31 bits below the largest element. */
export const DEFAULT_SLICES = 4;

/**
 * Tensors whose largest element is below 2^-90 count as 0: for those above, what devices flush differently (denormals)
 * is below half a unit of the last digit.
 */
const EXPONENTS = { from: -90, to: 100 } as const;

/** x = scale (digits[0] + digits[1] / 256 + digits[2] / 256^2 + ...). */
export interface Slices {
  /** Whole numbers, |digit| <= 128, each of the shape of x. */
  readonly digits: readonly Value[];
  /** Powers of two, one for each position of the axes that are kept. */
  readonly scale: Value;
}

/**
 * x in `count` digits to base 256, |x| < 2^100, with a scale shared along `axes`; what is left out is at most
 * 2^(1 - 8 count) of the largest element along them.
 */
export function slicesOf(x: Value, axes: readonly number[], count: number): Slices {
  const { scale, inverse } = scaleOf(reduceMax(abs(x), axes));
  const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  let rest = mul(x, broadcastTo(reshape(inverse, kept), x.shape));
  const digits: Value[] = [];
  while (digits.length < count) {
    // the nearest whole number; the difference to it is exact but for rest = 1/2 - 2^-25
    const digit = floor(add(rest, 0.5));
    digits.push(digit);
    if (digits.length < count) rest = mul(sub(rest, digit), BASE);
  }
  return { digits, scale };
}

/** x up to its scale from whole numbers at each place: (... (p_2 / 256 + p_1) / 256 + p_0), from the last on. */
export function recombine(places: readonly Value[]): Value {
  return places.reduceRight((lower, place) => add(place, mul(lower, 1 / BASE)));
}

/** How many digits a constant needs, at most `most`; `most` for values that are not known yet. Scale shared by rows. */
export function slicesNeeded(x: Value, most: number): number {
  const node = x.builder.producer(x);
  if (node?.op !== "constant") return most;
  const { type, data } = node.attrs.value satisfies TensorData;
  const columns = sizeOf(type.shape.slice(1));
  let needed = 1;
  for (let start = 0; start < data.length; start += columns) {
    const row = Array.from(data.subarray(start, start + columns), Number);
    const largest = Math.max(...row.map(Math.abs));
    let unit = powerOfTwo(EXPONENTS.from) / LARGEST_DIGIT;
    while (unit * LARGEST_DIGIT <= largest) unit *= 2;
    while (needed < most && row.some((value) => !Number.isInteger(value / (unit * BASE ** (1 - needed))))) needed++;
  }
  return needed;
}

/** For each of `largest` the power of two S above it, by counting those above: S / 128 and 128 / S. */
function scaleOf(largest: Value): { readonly scale: Value; readonly inverse: Value } {
  const { builder } = largest;
  const constant = (data: Float32Array) => builder.constant(f32([data.length], data));
  const rows = sizeOf(largest.shape);
  const shape: Shape = [rows, POWERS.length];
  const isAbove = less(broadcastTo(reshape(largest, [rows, 1]), shape), broadcastTo(constant(POWERS), shape));
  const count = cast(reduceSum(cast(isAbove, "f32"), [1]), "i32");
  const at = (table: Float32Array) => reshape(gather(constant(table), count), largest.shape);
  return { scale: at(SCALES), inverse: at(INVERSES) };
}

const POWERS = Float32Array.from({ length: EXPONENTS.to - EXPONENTS.from + 1 }, (_, i) =>
  powerOfTwo(EXPONENTS.from + i),
);
/** By the number of powers above the largest element; where all are, the tensor counts as 0. */
const SCALES = Float32Array.from(
  { length: POWERS.length + 1 },
  (_, count) => powerOfTwo(EXPONENTS.to + 1 - count) / LARGEST_DIGIT,
);
const INVERSES = SCALES.map((scale, count) => (count === POWERS.length ? 0 : 1 / scale));
