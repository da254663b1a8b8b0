import { ShapeError } from "../errors/errors.js";
import { formatShape, formatType, type TensorType } from "../types/tensor.js";
import type { OpDefinition } from "./contract.js";

export interface ReduceAttrs {
  /** Axes that disappear; strictly increasing. */
  readonly axes: readonly number[];
}

function inferReduce(op: string, x: TensorType, { axes }: ReduceAttrs, scope: string): TensorType {
  const rank = x.shape.length;
  const fits = axes.every(
    (axis, i) => Number.isInteger(axis) && axis >= 0 && axis < rank && (i === 0 || axes[i - 1]! < axis),
  );
  if (!fits) {
    throw new ShapeError(op, `axes ${formatShape(axes)} must be increasing axes of x ${formatType(x)}`, scope);
  }
  if (x.dtype !== "f32") throw new ShapeError(op, `x must be f32; got ${formatType(x)}`, scope);
  return { dtype: x.dtype, shape: x.shape.filter((_, axis) => !axes.includes(axis)) };
}

const reducedSize = (x: TensorType, axes: readonly number[]) => axes.reduce((size, axis) => size * x.shape[axis]!, 1);

/** Sum over `axes`, which disappear from the shape; 0 over an empty axis. The transpose of broadcast. */
export const reduceSum: OpDefinition<ReduceAttrs> = {
  arguments: ["x"],
  infer: ([x], attrs, scope) => inferReduce("reduceSum", x!, attrs, scope),
  accuracy: { kind: "sum", terms: ([x], { axes }) => reducedSize(x!, axes) },
  traits: {},
};

/** Maximum over `axes`; ties share the gradient equally. Refuses an empty axis. */
export const reduceMax: OpDefinition<ReduceAttrs> = {
  arguments: ["x"],
  infer([x], attrs, scope) {
    const type = inferReduce("reduceMax", x!, attrs, scope);
    if (reducedSize(x!, attrs.axes) === 0) {
      throw new ShapeError(
        "reduceMax",
        `x ${formatType(x!)} has no element along axes ${formatShape(attrs.axes)}`,
        scope,
      );
    }
    return type;
  },
  accuracy: { kind: "exact" },
  traits: {},
};
