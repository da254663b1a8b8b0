import type { Value } from "../graph/builder.js";
import type { PadMode } from "../ops/movement.js";
import { type Shape, sameShape, sizeOf } from "../types/tensor.js";
import { div } from "./elementwise.js";

export const reshape = (x: Value, shape: Shape) =>
  sameShape(x.shape, shape) ? x : x.builder.apply("reshape", [x], { shape });

export const transpose = (x: Value, permutation: readonly number[]) =>
  permutation.every((axis, i) => axis === i) ? x : x.builder.apply("transpose", [x], { permutation });

/** Sum over `axes` (all, when left out). */
export const reduceSum = (x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis)) =>
  axes.length === 0 ? x : x.builder.apply("reduceSum", [x], { axes });

/** Maximum over `axes` (all, when left out). */
export const reduceMax = (x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis)) =>
  axes.length === 0 ? x : x.builder.apply("reduceMax", [x], { axes });

/** Mean over `axes` (all, when left out). */
export function mean(x: Value, axes: readonly number[] = x.shape.map((_, axis) => axis)): Value {
  return div(reduceSum(x, axes), sizeOf(axes.map((axis) => x.shape[axis]!)));
}

/** `low` and `high`: elements added before and after each axis. */
export function pad(
  x: Value,
  low: readonly number[],
  high: readonly number[],
  mode: PadMode = "constant",
  value = 0,
): Value {
  const none = [...low, ...high].every((width) => width === 0);
  return none ? x : x.builder.apply("pad", [x], { low, high, mode, value });
}

/** x[starts[0]:ends[0], ...]. */
export function slice(x: Value, starts: readonly number[], ends: readonly number[]): Value {
  const whole = x.shape.every((extent, axis) => starts[axis] === 0 && ends[axis] === extent);
  return whole ? x : x.builder.apply("slice", [x], { starts, ends });
}

/** x[..., start:end, ...] on one axis. */
export function sliceAxis(x: Value, axis: number, start: number, end: number): Value {
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((extent, i) => (i === axis ? end : extent)),
  );
}

export function concat(parts: readonly Value[], axis: number): Value {
  const first = parts[0]!;
  return parts.length === 1 ? first : first.builder.apply("concat", parts, { axis });
}

/** table[:, ..., indices, ..., :] at `axis`; indices are i32. */
export const gather = (table: Value, indices: Value, axis = 0) =>
  table.builder.apply("gather", [table, indices], { axis });
