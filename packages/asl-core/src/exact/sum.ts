import { broadcastTo } from "../functions/broadcasting.js";
import { abs, add, cast, floor, less, mul, select, sub } from "../functions/elementwise.js";
import { gather, pad, reduceMax, reduceSum, reshape } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { f32, sizeOf } from "../types/tensor.js";
import { flushTiny } from "./portable.js";
import { SCALE_EXPONENTS, scaleTables } from "./tables.js";

export interface ExactSumOptions {
  /** Promise that no element is negative; costs less. Default false. */
  readonly nonNegative?: boolean;
}

/** Digits to base 2^12: a sum of 4096 of them stays within 2^24 and so is exact in float32, in any order. */
const BASE = 4096;
const LONGEST = 4096;
/** Digits of each element, counted from the largest one: 48 bits. */
const DIGITS = 4;

/**
 * Sum of all n elements, |x| < 2^100, as a scalar: the same bits on every backend, in any order of the elements.
 * Each element is cut off below 2^-48 of a power of two S with max|x| < S <= max(2 max|x|, 2^-100); the rest is exact
 * and rounded at the end: |error| <= 0.5 ulp + n 2^-48 S.
 */
export function exactSum(x: Value, { nonNegative = false }: ExactSumOptions = {}): Value {
  const { builder } = x;
  return builder.scope("exact.sum", () => {
    const size = sizeOf(x.shape);
    if (size === 0) return builder.constant(0);
    const largest = reduceMax(abs(x));
    const { scale, inverse } = scaleAbove(largest);
    const flat = reshape(x, [size]);
    let digits = digitsOf(mul(flat, inverse), nonNegative);
    let count = size;
    do {
      const [rows, columns] = gridOf(count);
      digits = carry(digits.map((digit) => reduceSum(reshape(padTo(digit, rows * columns), [rows, columns]), [1])));
      count = rows;
    } while (count > 1);
    const total = mul(compose(digits.map((digit) => reshape(digit, []))), scale);
    // An infinity or NaN is the result, where the backend keeps it
    const sum = flushTiny(select(less(largest, 2 ** SCALE_EXPONENTS.to), total, largest));
    return builder.differentiateAs(sum, [x], (g) => [broadcastTo(g, x.shape)]);
  });
}

/** A power of two above the largest element, and its reciprocal, by counting the powers of two above it. */
function scaleAbove(largest: Value): { readonly scale: Value; readonly inverse: Value } {
  const { builder } = largest;
  const { powers, scale, inverse } = scaleTables();
  const isAbove = less(broadcastTo(largest, [powers.length]), builder.constant(f32([powers.length], powers)));
  const count = cast(reduceSum(cast(isAbove, "f32")), "i32");
  const at = (table: Float32Array) => gather(builder.constant(f32([table.length], table)), count);
  return { scale: at(scale), inverse: at(inverse) };
}

/** The first digits of |t| < 1 to base 4096, most significant first, each with the sign of t. */
function digitsOf(t: Value, nonNegative: boolean): Value[] {
  const sign = nonNegative ? undefined : select(less(t, 0), -1, 1);
  let rest = nonNegative ? t : abs(t);
  return Array.from({ length: DIGITS }, () => {
    // exact: a shift, and the fraction of a float32
    const shifted = mul(rest, BASE);
    const digit = floor(shifted);
    rest = sub(shifted, digit);
    return sign === undefined ? digit : mul(digit, sign);
  });
}

/** Rows of at most 4096 elements; without padding where a divisor of n is at hand. */
function gridOf(count: number): readonly [rows: number, columns: number] {
  const fewest = Math.ceil(count / LONGEST);
  for (let rows = fewest; rows < 2 * fewest; rows++) if (count % rows === 0) return [rows, count / rows];
  return [fewest, Math.ceil(count / fewest)];
}

const padTo = (x: Value, size: number): Value => pad(x, [0], [size - x.shape[0]!]);

/** Sums below 2^24 back to digits in [0, 4096), with one more digit (which has the sign) in front. */
function carry(sums: readonly Value[]): Value[] {
  const digits: Value[] = [];
  let carried: Value | undefined;
  for (const sum of [...sums].reverse()) {
    // exact: whole numbers, |sum| <= 4095 * 4096 and |carried| <= 4096
    const total: Value = carried === undefined ? sum : add(sum, carried);
    carried = floor(mul(total, 1 / BASE));
    digits.unshift(sub(total, mul(carried, BASE)));
  }
  return [carried!, ...digits];
}

/** sum of digit_j 4096^-j over the fraction's DIGITS digits and the carries in front, rounded once. */
function compose(digits: readonly Value[]): Value {
  // Pairs of digits are whole numbers below 2^24
  const pairs: Value[] = [];
  for (let end = digits.length; end > 0; end -= 2) {
    const [first, second] = digits.slice(Math.max(end - 2, 0), end) as [Value, Value?];
    pairs.unshift(second === undefined ? first : add(mul(first, BASE), second));
  }
  // The last pair counts 2^-48
  const terms = pairs.map((pair, j) => mul(pair, 2 ** (-48 + 24 * (pairs.length - 1 - j))));
  const [first, second, ...others] = terms as [Value, Value, ...Value[]];
  const leading = add(first, second);
  // exact: what that sum lost, since |first| >= |second| or first = 0 (Dekker 1971)
  const lost = sub(second, sub(leading, first));
  const rest = others.reduceRight((sum, term) => add(term, sum));
  return add(leading, add(lost, rest));
}
