import { ShapeError } from "../errors/errors.js";
import { formatShape, formatType, type Shape, sameShape, sizeOf, type TensorData } from "../types/tensor.js";
import type { Accuracy, OpDefinition, Traits } from "./contract.js";

const EXACT: Accuracy<object> = { kind: "exact" };
const MOVEMENT: Traits = { movement: true };

export interface ConstantAttrs {
  readonly value: TensorData;
}

/** A tensor that is part of the graph. */
export const constant: OpDefinition<ConstantAttrs> = {
  arguments: [],
  infer: (_inputs, { value }) => value.type,
  accuracy: EXACT,
  traits: { zeroGradient: true },
};

export interface ReshapeAttrs {
  readonly shape: Shape;
}

/** The same elements in row-major order under another shape. */
export const reshape: OpDefinition<ReshapeAttrs> = {
  arguments: ["x"],
  infer([x], { shape }, scope) {
    if (sizeOf(shape) !== sizeOf(x!.shape)) {
      throw new ShapeError(
        "reshape",
        `${formatShape(shape)} has ${sizeOf(shape)} elements; x ${formatType(x!)} has ${sizeOf(x!.shape)}`,
        scope,
      );
    }
    return { dtype: x!.dtype, shape };
  },
  accuracy: EXACT,
  traits: { movement: true, view: true },
};

export interface TransposeAttrs {
  /** Output axis i is input axis permutation[i]. */
  readonly permutation: readonly number[];
}

export const transpose: OpDefinition<TransposeAttrs> = {
  arguments: ["x"],
  infer([x], { permutation }, scope) {
    const sorted = [...permutation].sort((a, b) => a - b);
    if (sorted.length !== x!.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw new ShapeError(
        "transpose",
        `permutation ${formatShape(permutation)} must order the ${x!.shape.length} axes of x ${formatType(x!)}`,
        scope,
      );
    }
    return { dtype: x!.dtype, shape: permutation.map((axis) => x!.shape[axis]!) };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};

export interface BroadcastAttrs {
  readonly shape: Shape;
  /** Input axis i becomes output axis axes[i]; strictly increasing. All other output axes repeat the input. */
  readonly axes: readonly number[];
}

/** Repeats x along new axes: `[C] -> [N,C,H,W]` with axes `[1]`. The transpose of reduceSum. */
export const broadcast: OpDefinition<BroadcastAttrs> = {
  arguments: ["x"],
  infer([x], { shape, axes }, scope) {
    const fits =
      axes.length === x!.shape.length &&
      axes.every((axis, i) => shape[axis] === x!.shape[i] && (i === 0 || axes[i - 1]! < axis));
    if (!fits) {
      throw new ShapeError(
        "broadcast",
        `axes ${formatShape(axes)} must be increasing and place x ${formatType(x!)} inside ${formatShape(shape)}`,
        scope,
      );
    }
    return { dtype: x!.dtype, shape };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};

/** What stands in the border: a constant, the mirrored interior (edge not repeated), or the edge. As numpy.pad. */
export type PadMode = "constant" | "reflect" | "edge";

export interface PadAttrs {
  /** Elements added before each axis. */
  readonly low: readonly number[];
  /** Elements added after each axis. */
  readonly high: readonly number[];
  readonly mode: PadMode;
  /** The border's value in mode "constant". */
  readonly value: number;
}

export const pad: OpDefinition<PadAttrs> = {
  arguments: ["x"],
  infer([x], { low, high, mode }, scope) {
    const { shape, dtype } = x!;
    if (low.length !== shape.length || high.length !== shape.length || [...low, ...high].some((n) => n < 0)) {
      throw new ShapeError(
        "pad",
        `low ${formatShape(low)} and high ${formatShape(high)} must give a width >= 0 for each axis of x ${formatType(x!)}`,
        scope,
      );
    }
    shape.forEach((extent, axis) => {
      const widest = Math.max(low[axis]!, high[axis]!);
      const most = mode === "reflect" ? extent - 1 : mode === "edge" && extent === 0 ? 0 : Number.POSITIVE_INFINITY;
      if (widest > Math.max(most, 0)) {
        throw new ShapeError(
          "pad",
          `mode ${mode} on axis ${axis} of x ${formatType(x!)} allows at most ${Math.max(most, 0)}; got ${widest}`,
          scope,
        );
      }
    });
    return { dtype, shape: shape.map((extent, axis) => low[axis]! + extent + high[axis]!) };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};

export interface SliceAttrs {
  /** First index kept, per axis. */
  readonly starts: readonly number[];
  /** One past the last index kept, per axis. */
  readonly ends: readonly number[];
}

export const slice: OpDefinition<SliceAttrs> = {
  arguments: ["x"],
  infer([x], { starts, ends }, scope) {
    const { shape, dtype } = x!;
    const fits =
      starts.length === shape.length &&
      ends.length === shape.length &&
      shape.every((extent, axis) => 0 <= starts[axis]! && starts[axis]! <= ends[axis]! && ends[axis]! <= extent);
    if (!fits) {
      throw new ShapeError(
        "slice",
        `starts ${formatShape(starts)}, ends ${formatShape(ends)} must lie inside x ${formatType(x!)}`,
        scope,
      );
    }
    return { dtype, shape: shape.map((_, axis) => ends[axis]! - starts[axis]!) };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};

export interface ConcatAttrs {
  readonly axis: number;
}

export const concat: OpDefinition<ConcatAttrs> = {
  arguments: ["...parts"],
  infer(parts, { axis }, scope) {
    const first = parts[0]!;
    if (!(axis >= 0 && axis < first.shape.length)) {
      throw new ShapeError("concat", `axis ${axis} is outside part 0 ${formatType(first)}`, scope);
    }
    const without = (shape: Shape) => shape.filter((_, i) => i !== axis);
    parts.forEach((part, i) => {
      if (
        part.dtype !== first.dtype ||
        part.shape.length !== first.shape.length ||
        !sameShape(without(part.shape), without(first.shape))
      ) {
        throw new ShapeError(
          "concat",
          `part ${i} ${formatType(part)} must equal part 0 ${formatType(first)} but for axis ${axis}`,
          scope,
        );
      }
    });
    const shape = first.shape.map((extent, i) =>
      i === axis ? parts.reduce((sum, part) => sum + part.shape[axis]!, 0) : extent,
    );
    return { dtype: first.dtype, shape };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};

export interface GatherAttrs {
  readonly axis: number;
}

/**
 * Slices of `table` along `axis` at `indices` (i32): shape table[:axis] + indices + table[axis+1:]. As numpy.take.
 * Indices must lie in 0 ... extent - 1: backends that see them throw for others; on a GPU the result is then any row.
 */
export const gather: OpDefinition<GatherAttrs> = {
  arguments: ["table", "indices"],
  infer([table, indices], { axis }, scope) {
    if (indices!.dtype !== "i32") {
      throw new ShapeError("gather", `indices must be i32; got ${formatType(indices!)}`, scope);
    }
    if (!(axis >= 0 && axis < table!.shape.length)) {
      throw new ShapeError("gather", `axis ${axis} is outside table ${formatType(table!)}`, scope);
    }
    return {
      dtype: table!.dtype,
      shape: [...table!.shape.slice(0, axis), ...indices!.shape, ...table!.shape.slice(axis + 1)],
    };
  },
  accuracy: EXACT,
  traits: MOVEMENT,
};
