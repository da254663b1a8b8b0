import { add, floor, mul } from "../../functions/elementwise.js";
import type { Value } from "../../graph/builder.js";
import { EXACT_LIMIT, LARGEST_DIGIT, recombine } from "./slices.js";

/** Most products of two digits whose sum is exact in any order: 1024. */
export const MOST_TERMS = EXACT_LIMIT / LARGEST_DIGIT ** 2;

/**
 * Sum of products of sliced numbers, up to their scales: pairs of digits at place i + j, the places beyond those of the
 * longer argument left out. `product` gives sums of at most MOST_TERMS products each, `terms` in all.
 */
export function slicedProduct(
  a: readonly Value[],
  b: readonly Value[],
  terms: number,
  product: (a: Value, b: Value) => readonly Value[],
): Value {
  const places = Array.from({ length: Math.max(a.length, b.length) }, (_, place) => {
    const pairs = a.flatMap((digit, i) => {
      const other = b[place - i];
      return other === undefined ? [] : [[digit, other] as const];
    });
    const sums = pairs.flatMap(([left, right]) => product(left, right));
    const isExact = pairs.length * terms <= MOST_TERMS;
    // What may round must round in this order: floor, which changes no whole number, keeps a runtime from adding inside
    // of the contraction
    return (isExact || sums.length === 1 ? sums : sums.map(floor)).reduce((total, sum) => add(total, sum));
  });
  return recombine(places);
}

/** value scale_a scale_b; the scales are powers of two with the shape of `value`. */
export const rescaled = (value: Value, a: Value, b: Value): Value => mul(mul(value, a), b);
