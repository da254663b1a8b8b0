import { ShapeError } from "../../errors/errors.js";
import { broadcastTo } from "../../functions/broadcasting.js";
import { add, mul } from "../../functions/elementwise.js";
import { reduceSum, reshape, sliceAxis } from "../../functions/shape.js";
import type { Value } from "../../graph/builder.js";
import { formatShape, sizeOf } from "../../types/tensor.js";
import { flushTiny } from "../portable.js";
import { DEFAULT_SLICES, EXACT_LIMIT, LARGEST_DIGIT, recombine, slicesOf } from "./slices.js";

/** Up to this many terms are added as they stand. */
const FEW = 16;
const MOST = EXACT_LIMIT / LARGEST_DIGIT;

/**
 * Sum over `axes` (all, when left out), at most 131,072 elements below 2^100: the same bits on every backend. Up to 16
 * terms are added in their order; more are cut into digits, whose sums are exact in any order:
 * |error| <= 2^-23 |y| + n 2^-31 max |x|. |y| below 2^-100 becomes +0.
 */
export function exactReduceSum(x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis)): Value {
  const { builder } = x;
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  if (axes.length === 0) return x;
  if (count === 0) return reduceSum(x, axes);
  return builder.scope("exact.reduceSum", () => {
    if (count > MOST) {
      const found = `x ${formatShape(x.shape)} has ${count} along axes ${formatShape(axes)}`;
      throw new ShapeError("exactReduceSum", `at most ${MOST} elements; ${found}`, builder.currentScope);
    }
    const y = flushTiny(count <= FEW ? sumInOrder(x, axes) : sumOfDigits(x, axes));
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    return builder.differentiateAs(y, [x], (g) => [broadcastTo(reshape(g, kept), x.shape)]);
  });
}

/** Mean over `axes` (all, when left out) as exactReduceSum times 1 / n: backends round divisions differently. */
export function exactMean(x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis)): Value {
  return mul(exactReduceSum(x, axes), 1 / sizeOf(axes.map((axis) => x.shape[axis]!)));
}

/** One axis after the other, the last first. */
function sumInOrder(x: Value, axes: readonly number[]): Value {
  const total = axes.reduceRight((sum, axis) => {
    const terms = Array.from({ length: sum.shape[axis]! }, (_, i) => sliceAxis(sum, axis, i, i + 1));
    return terms.reduce((partial, term) => add(partial, term));
  }, x);
  return reshape(
    total,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

function sumOfDigits(x: Value, axes: readonly number[]): Value {
  const { digits, scale } = slicesOf(x, axes, DEFAULT_SLICES);
  return mul(recombine(digits.map((digit) => reduceSum(digit, axes))), scale);
}
