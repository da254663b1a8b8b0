import { sizeOf } from "asl-core";
import type { DeviceTensor, TensorFlow } from "../tensorflow.js";
import type { Lowering } from "./lowering.js";
import { permuted } from "./movement.js";
import { type Range, sliced } from "./slicing.js";

export type Pair = readonly [number, number];

/** Geometry of a convolution of images [N,H,W,C]; [height, width] order. */
export interface Convolution {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly groups: number;
  /** Zeros around the images; negative: rows or columns that do not take part. */
  readonly padding: readonly [Pair, Pair];
}

type Tensor4D = ReturnType<TensorFlow["tensor4d"]>;
type ExplicitPadding = Extract<Parameters<TensorFlow["conv2d"]>[3], readonly unknown[]>;

/** Rows and columns of zeros added around images [N,H,W,C]; a negative width takes rows or columns away. */
function padOrCrop(images: DeviceTensor, widths: readonly [Pair, Pair], lowering: Lowering): DeviceTensor {
  const added = widths.map((pair): [number, number] => [Math.max(pair[0], 0), Math.max(pair[1], 0)]);
  const pads = added.flat().some((width) => width > 0);
  const padded = pads ? lowering.tf.pad(images, [[0, 0], ...added, [0, 0]]) : images;
  const ranges = padded.shape.map((extent, axis): Range => {
    const [before, after] = axis === 1 || axis === 2 ? widths[axis - 1]! : [0, 0];
    const begin = Math.max(-before, 0);
    return { begin, size: extent - begin - Math.max(-after, 0) };
  });
  return sliced(padded, ranges, lowering);
}

/** x with step - 1 zeros between neighbours along an axis. */
export function spread(x: DeviceTensor, axis: number, step: number, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const extent = x.shape[axis]!;
  if (step === 1 || extent === 1) return x;
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const padded = tf.pad(tf.reshape(x, [sizeOf(before) * extent, 1, sizeOf(after)]), [
    [0, 0],
    [0, step - 1],
    [0, 0],
  ]);
  const rows = tf.reshape(padded, [...before, extent * step, ...after]);
  const ranges = rows.shape.map((size, i): Range => ({ begin: 0, size: i === axis ? size - step + 1 : size }));
  return sliced(rows, ranges, lowering);
}

/** Every step-th element along two neighbouring axes, the spatial ones, from `from` on. */
export function window(
  x: DeviceTensor,
  firstAxis: number,
  [from, extents, strides]: readonly [from: Pair, extents: Pair, strides: Pair],
  lowering: Lowering,
): DeviceTensor {
  const ranges = x.shape.map((size, axis): Range => {
    const i = axis - firstAxis;
    return i === 0 || i === 1 ? { begin: from[i], size: extents[i], step: strides[i] } : { begin: 0, size };
  });
  return sliced(x, ranges, lowering);
}

/** Cross-correlation of images [N,H,W,C] with kernel [O,C/groups,kH,kW]: [N,H',W',O]. */
export function convolve(
  images: DeviceTensor,
  kernel: DeviceTensor,
  convolution: Convolution,
  lowering: Lowering,
): DeviceTensor {
  const { tf } = lowering;
  const { groups, padding } = convolution;
  const [out, perGroup] = kernel.shape as [number, number];
  if (groups === 1) return dense(images, permuted(tf, kernel, [2, 3, 1, 0]), convolution, lowering);
  const padded = padOrCrop(images, padding, lowering);
  if (perGroup === 1) return depthwise(padded, kernel, convolution, lowering);
  const filters = permuted(tf, kernel, [2, 3, 1, 0]);
  const outPerGroup = out / groups;
  const parts = Array.from({ length: groups }, (_, group) =>
    dense(
      channels(padded, 3, group, perGroup, lowering),
      channels(filters, 3, group, outPerGroup, lowering),
      { ...convolution, padding: NO_PADDING },
      lowering,
    ),
  );
  return tf.concat(parts, 3);
}

/** The channels of a group, along an axis that holds `count` for each. */
export function channels(
  x: DeviceTensor,
  axis: number,
  group: number,
  count: number,
  lowering: Lowering,
): DeviceTensor {
  const ranges = x.shape.map(
    (size, i): Range => (i === axis ? { begin: group * count, size: count } : { begin: 0, size }),
  );
  return sliced(x, ranges, lowering);
}

const NO_PADDING: Convolution["padding"] = [
  [0, 0],
  [0, 0],
];

/** Filters [kH,kW,C,O]. TensorFlow.js takes strides or dilations, not both: then zeros go between the filter's taps. */
function dense(
  images: DeviceTensor,
  filters: DeviceTensor,
  { strides, dilations, padding }: Convolution,
  lowering: Lowering,
): DeviceTensor {
  const { tf } = lowering;
  const both = strides.some((step) => step !== 1) && dilations.some((step) => step !== 1);
  const taps = both ? spread(spread(filters, 0, dilations[0], lowering), 1, dilations[1], lowering) : filters;
  const steps: [number, number] = both ? [1, 1] : [...dilations];
  const widths = padding.flat();
  if (widths.some((width) => width < 0) || widths.every((width) => width === 0)) {
    const whole = padOrCrop(images, padding, lowering);
    return tf.conv2d(whole as Tensor4D, taps as Tensor4D, [...strides], "valid", "NHWC", steps);
  }
  const explicit: ExplicitPadding = [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
  return tf.conv2d(images as Tensor4D, taps as Tensor4D, [...strides], explicit, "NHWC", steps);
}

/** One input channel for each group, images already padded. TensorFlow's kernel takes equal strides and ignores dilations. */
function depthwise(
  images: DeviceTensor,
  kernel: DeviceTensor,
  { strides, dilations, groups }: Convolution,
  lowering: Lowering,
): DeviceTensor {
  const { tf } = lowering;
  const [out, , height, width] = kernel.shape as [number, number, number, number];
  const split = tf.reshape(kernel, [groups, out / groups, height, width]);
  const filters = permuted(tf, split, [2, 3, 0, 1]);
  const taps = spread(spread(filters, 0, dilations[0], lowering), 1, dilations[1], lowering);
  if (strides[0] === strides[1]) {
    return tf.depthwiseConv2d(images as Tensor4D, taps as Tensor4D, [...strides], "valid");
  }
  const whole = tf.depthwiseConv2d(images as Tensor4D, taps as Tensor4D, 1, "valid");
  const [, rows, columns] = whole.shape as [number, number, number, number];
  const extents = [Math.ceil(rows / strides[0]), Math.ceil(columns / strides[1])] as const;
  return window(whole, 1, [[0, 0], extents, strides], lowering);
}
