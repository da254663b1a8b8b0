import type { DeviceTensor, TensorFlow } from "../tensorflow.js";
import { permuted } from "./movement.js";

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
export function padOrCrop(tf: TensorFlow, images: DeviceTensor, widths: readonly [Pair, Pair]): DeviceTensor {
  const flat = widths.flat();
  let result = images;
  if (flat.some((width) => width > 0)) {
    const added = widths.map((pair): [number, number] => [Math.max(pair[0], 0), Math.max(pair[1], 0)]);
    result = tf.pad(result, [[0, 0], ...added, [0, 0]]);
  }
  if (flat.some((width) => width < 0)) {
    const begin = [0, ...widths.map(([before]) => Math.max(-before, 0)), 0];
    const size = result.shape.map((extent, axis) => {
      const after = axis === 1 || axis === 2 ? Math.max(-widths[axis - 1]![1], 0) : 0;
      return extent - begin[axis]! - after;
    });
    result = tf.slice(result, begin, size);
  }
  return result;
}

/** x with step - 1 zeros between neighbours along an axis. */
export function spread(tf: TensorFlow, x: DeviceTensor, axis: number, step: number): DeviceTensor {
  const extent = x.shape[axis]!;
  if (step === 1 || extent === 1) return x;
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const product = (extents: readonly number[]) => extents.reduce((size, each) => size * each, 1);
  const elements = tf.reshape(x, [product(before) * extent, 1, product(after)]);
  const padded = tf.pad(elements, [
    [0, 0],
    [0, step - 1],
    [0, 0],
  ]);
  const rows = tf.reshape(padded, [product(before), extent * step, product(after)]);
  const kept = (extent - 1) * step + 1;
  return tf.reshape(tf.slice(rows, [0, 0, 0], [product(before), kept, product(after)]), [...before, kept, ...after]);
}

/** Every step-th element along the spatial axes of [N,H,W,C] or, with `first` 2, of [C,N,H,W], from `from` on. */
export function window(
  tf: TensorFlow,
  x: DeviceTensor,
  first: 1 | 2,
  from: Pair,
  extents: Pair,
  strides: Pair,
): DeviceTensor {
  const begin = x.shape.map(() => 0);
  const end = [...x.shape];
  const steps = x.shape.map(() => 1);
  for (const i of [0, 1] as const) {
    begin[first + i] = from[i];
    end[first + i] = from[i] + (extents[i] - 1) * strides[i] + 1;
    // One element needs no stride, and a stride beyond the axis is refused by some kernels.
    steps[first + i] = extents[i] === 1 ? 1 : strides[i];
  }
  if (steps.some((step) => step !== 1)) return tf.stridedSlice(x, begin, end, steps);
  return tf.slice(
    x,
    begin,
    end.map((stop, axis) => stop - begin[axis]!),
  );
}

/** Cross-correlation of images [N,H,W,C] with kernel [O,C/groups,kH,kW]: [N,H',W',O]. */
export function convolve(
  tf: TensorFlow,
  images: DeviceTensor,
  kernel: DeviceTensor,
  convolution: Convolution,
): DeviceTensor {
  const { groups, padding } = convolution;
  const [out, perGroup] = kernel.shape as [number, number];
  if (groups === 1) return dense(tf, images, permuted(tf, kernel, [2, 3, 1, 0]), convolution);
  const padded = padOrCrop(tf, images, padding);
  if (perGroup === 1) return depthwise(tf, padded, kernel, convolution);
  const filters = permuted(tf, kernel, [2, 3, 1, 0]);
  const outPerGroup = out / groups;
  const parts = Array.from({ length: groups }, (_, group) =>
    dense(
      tf,
      tf.slice(padded, [0, 0, 0, group * perGroup], [...padded.shape.slice(0, 3), perGroup]),
      tf.slice(filters, [0, 0, 0, group * outPerGroup], [...filters.shape.slice(0, 3), outPerGroup]),
      { ...convolution, padding: NO_PADDING },
    ),
  );
  return tf.concat(parts, 3);
}

const NO_PADDING: Convolution["padding"] = [
  [0, 0],
  [0, 0],
];

/** Filters [kH,kW,C,O]. TensorFlow.js takes strides or dilations, not both: then zeros go between the filter's taps. */
function dense(
  tf: TensorFlow,
  images: DeviceTensor,
  filters: DeviceTensor,
  { strides, dilations, padding }: Convolution,
): DeviceTensor {
  const both = strides.some((step) => step !== 1) && dilations.some((step) => step !== 1);
  const taps = both ? spread(tf, spread(tf, filters, 0, dilations[0]), 1, dilations[1]) : filters;
  const steps: [number, number] = both ? [1, 1] : [...dilations];
  const widths = padding.flat();
  if (widths.some((width) => width < 0) || widths.every((width) => width === 0)) {
    const whole = padOrCrop(tf, images, padding);
    return tf.conv2d(whole as Tensor4D, taps as Tensor4D, [...strides], "valid", "NHWC", steps);
  }
  const explicit: ExplicitPadding = [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
  return tf.conv2d(images as Tensor4D, taps as Tensor4D, [...strides], explicit, "NHWC", steps);
}

/** One input channel for each group, images already padded. TensorFlow's kernel takes equal strides and ignores dilations. */
function depthwise(
  tf: TensorFlow,
  images: DeviceTensor,
  kernel: DeviceTensor,
  { strides, dilations, groups }: Convolution,
): DeviceTensor {
  const [out, , height, width] = kernel.shape as [number, number, number, number];
  const split = tf.reshape(kernel, [groups, out / groups, height, width]);
  const filters = permuted(tf, split, [2, 3, 0, 1]);
  const taps = spread(tf, spread(tf, filters, 0, dilations[0]), 1, dilations[1]);
  if (strides[0] === strides[1]) {
    return tf.depthwiseConv2d(images as Tensor4D, taps as Tensor4D, [...strides], "valid");
  }
  const whole = tf.depthwiseConv2d(images as Tensor4D, taps as Tensor4D, 1, "valid");
  const [, rows, columns] = whole.shape as [number, number, number, number];
  const extents = [Math.ceil(rows / strides[0]), Math.ceil(columns / strides[1])] as const;
  return window(tf, whole, 1, [0, 0], extents, strides);
}
