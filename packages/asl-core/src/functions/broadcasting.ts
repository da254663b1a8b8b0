import { GraphError, ShapeError } from "../errors/errors.js";
import type { Builder, Value } from "../graph/builder.js";
import { formatShape, type Shape, sameShape } from "../types/tensor.js";

/** A value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

/** The builder of the first operand that is a value. */
export function builderOf(op: string, operands: readonly Operand[]): Builder {
  const value = operands.find((operand): operand is Value => typeof operand !== "number");
  if (value === undefined)
    throw new GraphError(`${op}: at least one argument must be a Value; got ${operands.join(", ")}`);
  return value.builder;
}

/** NumPy's rule: align right, extents must be equal or 1. */
export function broadcastShapes(op: string, shapes: readonly Shape[], scope: string): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const common = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const offset = rank - shape.length;
    for (const [axis, extent] of shape.entries()) {
      if (extent === 1 || extent === common[axis + offset]) continue;
      if (common[axis + offset] !== 1) {
        throw new ShapeError(op, `shapes ${shapes.map(formatShape).join(" and ")} do not broadcast`, scope);
      }
      common[axis + offset] = extent;
    }
  }
  return common;
}

/** x repeated to `shape` by NumPy's rule. */
export function broadcastTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const { builder } = x;
  const scope = builder.currentScope;
  if (!sameShape(broadcastShapes("broadcastTo", [x.shape, shape], scope), shape)) {
    throw new ShapeError("broadcastTo", `x ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}`, scope);
  }
  const offset = shape.length - x.shape.length;
  const kept = x.shape.flatMap((extent, axis) => (extent === 1 && shape[axis + offset] !== 1 ? [] : [axis]));
  const squeezed =
    kept.length === x.shape.length ? x : builder.apply("reshape", [x], { shape: kept.map((axis) => x.shape[axis]!) });
  return builder.apply("broadcast", [squeezed], { shape, axes: kept.map((axis) => axis + offset) });
}

/** All operands as values of one common shape. */
export function broadcastTogether(op: string, operands: readonly Operand[]): Value[] {
  const builder = builderOf(op, operands);
  const values = operands.map((operand) => (typeof operand === "number" ? builder.constant(operand) : operand));
  const shape = broadcastShapes(
    op,
    values.map((value) => value.shape),
    builder.currentScope,
  );
  return values.map((value) => broadcastTo(value, shape));
}
