import { type Shape, sizeOf } from "asl-core";
import type { DeviceTensor } from "../tensorflow.js";
import type { Lowering } from "./lowering.js";

/** Elements of each axis: `size` of them from `begin` on, every `step`-th. */
export interface Range {
  readonly begin: number;
  readonly size: number;
  readonly step?: number;
}

/** Where the indices of a gather stop being cheap beside the elements it moves. */
const MOST_INDICES = 2 ** 16;

/** A part of x, one range for each axis. */
export function sliced(x: DeviceTensor, ranges: readonly Range[], lowering: Lowering): DeviceTensor {
  const { tf, quirks } = lowering;
  const whole = ({ begin, size, step = 1 }: Range, axis: number) =>
    begin === 0 && size === x.shape[axis] && (step === 1 || size === 1);
  const cut = [...ranges.keys()].filter((axis) => !whole(ranges[axis]!, axis));
  if (cut.length === 0) return x;
  const [first, last] = [cut[0]!, cut.at(-1)!];
  const between = sizeOf(ranges.slice(first, last + 1).map(({ size }) => size));
  if (quirks.slicesSlowly && between <= MOST_INDICES && x.dtype === "float32") {
    return gathered(x, ranges, [first, last], lowering);
  }
  const begin = ranges.map((range) => range.begin);
  const size = ranges.map((range) => range.size);
  // One element needs no step, and a step beyond the axis is refused by some kernels.
  const steps = ranges.map((range) => (range.size === 1 ? 1 : (range.step ?? 1)));
  if (steps.every((step) => step === 1)) return tf.slice(x, begin, size);
  const end = begin.map((start, axis) => start + (size[axis]! - 1) * steps[axis]! + 1);
  return tf.stridedSlice(x, begin, end, steps);
}

/** The axes first ... last taken as one, from which a gather picks the elements of the ranges. */
function gathered(
  x: DeviceTensor,
  ranges: readonly Range[],
  [first, last]: readonly [number, number],
  { tf }: Lowering,
): DeviceTensor {
  let indices: readonly number[] = [0];
  for (let axis = first; axis <= last; axis++) {
    const { begin, size, step = 1 } = ranges[axis]!;
    const extent = x.shape[axis]!;
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index * extent + begin + i * step));
  }
  const before: Shape = x.shape.slice(0, first);
  const after: Shape = x.shape.slice(last + 1);
  const joined = tf.reshape(x, [sizeOf(before), sizeOf(x.shape.slice(first, last + 1)), sizeOf(after)]);
  const picked = tf.gather(joined, tf.tensor1d([...indices], "int32"), 1);
  return tf.reshape(
    picked,
    ranges.map(({ size }) => size),
  );
}
