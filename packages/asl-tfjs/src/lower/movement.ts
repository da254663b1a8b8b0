import { InputError, type Node, type PadMode, type Shape, sizeOf } from "asl-core";
import type { DeviceTensor, TensorFlow } from "../tensorflow.js";
import type { Lowering } from "./lowering.js";
import { sliced } from "./slicing.js";

export function reshape(node: Node<"reshape">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const [input] = node.inputs;
  const { shape } = node.attrs;
  const compact = lowering.compact(input!);
  if (compact.size === 1) return tf.reshape(compact, ones(shape));
  return tf.reshape(lowering.full(input!), [...shape]);
}

const ones = (shape: Shape): number[] => shape.map(() => 1);

export function transpose(node: Node<"transpose">, lowering: Lowering): DeviceTensor {
  return permuted(lowering.tf, lowering.compact(node.inputs[0]!), node.attrs.permutation);
}

/**
 * x with output axis i = input axis permutation[i]. Axes of extent 1 are left out and axes that stay neighbours are
 * joined first, which keeps the rank within what every backend transposes, and within the fast cases of most.
 */
export function permuted(tf: TensorFlow, x: DeviceTensor, permutation: readonly number[]): DeviceTensor {
  const groups: number[][] = [];
  for (const axis of permutation) {
    if (x.shape[axis] === 1) continue;
    const last = groups.at(-1);
    const previous = last?.at(-1);
    const joins = previous !== undefined && sizeOf(x.shape.slice(previous + 1, axis)) === 1 && previous < axis;
    if (joins) last!.push(axis);
    else groups.push([axis]);
  }
  const shape = permutation.map((axis) => x.shape[axis]!);
  const inInput = [...groups].sort((a, b) => a[0]! - b[0]!);
  const joined = tf.reshape(
    x,
    inInput.map((group) => group.reduce((extent, axis) => extent * x.shape[axis]!, 1)),
  );
  const turned =
    groups.length < 2
      ? joined
      : tf.transpose(
          joined,
          groups.map((group) => inInput.indexOf(group)),
        );
  return tf.reshape(turned, shape);
}

/** Only places the axes; `Lowering.full` repeats the elements where somebody needs them. */
export function broadcast(node: Node<"broadcast">, lowering: Lowering): DeviceTensor {
  const x = lowering.compact(node.inputs[0]!);
  const { shape, axes } = node.attrs;
  const extents = ones(shape);
  axes.forEach((axis, i) => {
    extents[axis] = x.shape[i]!;
  });
  return lowering.tf.reshape(x, extents);
}

/** Which element of an axis stands at position i, where i < 0 and i >= extent are the border. */
const BORDER: Readonly<Record<Exclude<PadMode, "constant">, (i: number, extent: number) => number>> = {
  reflect: (i, extent) => (i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i),
  edge: (i, extent) => Math.min(Math.max(i, 0), extent - 1),
};

export function pad(node: Node<"pad">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const { low, high, mode, value } = node.attrs;
  const x = lowering.full(node.inputs[0]!);
  const widths = low.map((before, axis): [number, number] => [before, high[axis]!]);
  if (mode === "constant") {
    if (x.size === 0) return tf.fill([...lowering.shape(node.output)], value, x.dtype as "float32");
    if ([...low, ...high].every((width) => width === 0)) return x;
    return tf.pad(x, widths, value);
  }
  // Elsewhere a gather along each axis: TensorFlow's kernel ends at rank 5, and no kernel repeats the edge.
  if (mode === "reflect" && x.dtype === "float32" && x.rank <= 4) return tf.mirrorPad(x, widths, "reflect");
  let padded = x;
  x.shape.forEach((extent, axis) => {
    const before = low[axis]!;
    const after = high[axis]!;
    if (before === 0 && after === 0) return;
    const sources = Array.from({ length: before + extent + after }, (_, i) => BORDER[mode](i - before, extent));
    padded = tf.gather(padded, tf.tensor1d(sources, "int32"), axis);
  });
  return padded;
}

export function slice(node: Node<"slice">, lowering: Lowering): DeviceTensor {
  const { starts, ends } = node.attrs;
  const ranges = starts.map((begin, axis) => ({ begin, size: ends[axis]! - begin }));
  return sliced(lowering.full(node.inputs[0]!), ranges, lowering);
}

export function concat(node: Node<"concat">, lowering: Lowering): DeviceTensor {
  const parts = node.inputs.map((input) => lowering.full(input)).filter(({ size }) => size > 0);
  return parts.length === 1 ? parts[0]! : lowering.tf.concat(parts, node.attrs.axis);
}

/** Indices are looked at on the host: backends fail, clamp or give zeros for one that is outside. */
export function gather(node: Node<"gather">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const [table, indices] = node.inputs;
  const { axis } = node.attrs;
  const rows = lowering.full(indices!);
  const extent = lowering.shape(table!)[axis]!;
  const judge = (some: ArrayLike<number>) => {
    const outside = Array.prototype.find.call(some, (row: number) => row < 0 || row >= extent);
    if (outside !== undefined) {
      throw new InputError(`index ${outside} must lie in 0 ... ${extent - 1}, axis ${axis} of the table`);
    }
  };
  let flat = tf.reshape(rows, [rows.size]);
  if (lowering.quirks.readsLate) {
    const extremes = tf.keep(tf.stack([tf.min(flat), tf.max(flat)]));
    lowering.lateChecks.push({ extremes, judge });
    flat = tf.minimum(tf.maximum(flat, tf.scalar(0, "int32")), tf.scalar(extent - 1, "int32"));
  } else {
    judge(rows.dataSync());
  }
  return tf.reshape(tf.gather(lowering.full(table!), flat, axis), [...lowering.shape(node.output)]);
}
