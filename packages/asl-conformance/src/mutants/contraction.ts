import { type AnyNode, type Conv2dAttrs, stridesOf, type TensorData } from "asl-core";
import { withMantissa } from "./elementwise.js";
import { type Mutant, right, wrongOp } from "./mutant.js";

type Convolution = Extract<AnyNode, { readonly op: "conv2d" | "conv2dInputGrad" | "conv2dKernelGrad" }>;

const mapped = (x: TensorData, f: (x: number, i: number) => number): TensorData => ({
  ...x,
  data: Float32Array.from(x.data, f),
});

/** The elements of each kernel plane in reverse: turned by 180 degrees. */
function flipped(kernel: TensorData): TensorData {
  const [, , height, width] = kernel.type.shape as [number, number, number, number];
  const plane = height * width;
  return mapped(kernel, (_, i) => kernel.data[i - (i % plane) + (plane - 1 - (i % plane))]!);
}

/** Channels (axis 1) moved by `by`. */
function rolled(x: TensorData, by: number): TensorData {
  const [, channels] = x.type.shape as [number, number, number, number];
  const stride = stridesOf(x.type.shape)[1]!;
  return mapped(x, (_, i) => {
    const channel = Math.floor(i / stride) % channels;
    return x.data[i + (((channel + by) % channels) - channel) * stride]!;
  });
}

/** One less before, one more after: the window starts one pixel late. */
function shiftedPadding(attrs: Conv2dAttrs): Partial<Conv2dAttrs> | undefined {
  const [[top, bottom], sides] = attrs.padding;
  return top > 0 ? { padding: [[top - 1, bottom + 1], sides] } : undefined;
}

const withAttrs = <N extends Convolution>(node: N, attrs: Partial<Conv2dAttrs>) =>
  ({ ...node, attrs: { ...node.attrs, ...attrs } }) as AnyNode;

/** Deterministic noise of one part in 2^16: what an algorithm with badly conditioned transforms adds. */
const perturbed = (x: number, i: number) => x * (1 + (((i * 2654435761) >>> 0) / 2 ** 31 - 1) * 2 ** -16);

const isSquare = ({ type: { shape } }: TensorData) => shape.at(-1) === shape.at(-2);

export const CONTRACTION_MUTANTS: readonly Mutant[] = [
  wrongOp("conv2d", "padding off by one", "one row less above, one more below", (node, inputs, type) => {
    const attrs = shiftedPadding(node.attrs);
    return attrs && right(withAttrs(node, attrs), inputs, type);
  }),
  wrongOp("conv2d", "kernel flipped", "a convolution instead of a cross-correlation", (node, [x, kernel], type) =>
    right(node, [x!, flipped(kernel!)], type),
  ),
  wrongOp("conv2d", "padding transposed", "rows and columns change places", (node, inputs, type) => {
    const { padding } = node.attrs;
    const total = ([before, after]: readonly [number, number]) => before + after;
    if (total(padding[0]) !== total(padding[1])) {
      const [[top, bottom], [left, right_]] = padding;
      return right(
        withAttrs(node, {
          padding: [
            [bottom, top],
            [right_, left],
          ],
        }),
        inputs,
        type,
      );
    }
    return right(withAttrs(node, { padding: [padding[1], padding[0]] }), inputs, type);
  }),
  wrongOp("conv2d", "groups shifted", "each group reads the channels of the next", (node, [x, kernel], type) =>
    node.attrs.groups === 1 ? undefined : right(node, [rolled(x!, kernel!.type.shape[1]!), kernel!], type),
  ),
  wrongOp("conv2d", "in TF32", "inputs keep 10 bits behind the point", (node, inputs, type) =>
    right(
      node,
      inputs.map((input) => mapped(input, (x) => withMantissa(10, x))),
      type,
    ),
  ),
  wrongOp("conv2d", "in bfloat16", "inputs keep 7 bits behind the point", (node, inputs, type) =>
    right(
      node,
      inputs.map((input) => mapped(input, (x) => withMantissa(7, x))),
      type,
    ),
  ),
  wrongOp("conv2d", "Winograd-like error", "a relative error of up to 2^-16", (node, inputs, type) =>
    mapped(right(node, inputs, type), perturbed),
  ),
  wrongOp("conv2d", "float16 result", "the sum is rounded to 10 bits", (node, inputs, type) =>
    mapped(right(node, inputs, type), (x) => withMantissa(10, x)),
  ),
  wrongOp("conv2dInputGrad", "kernel not flipped", "the forward kernel is used as it is", (node, [g, kernel], type) =>
    right(node, [g!, flipped(kernel!)], type),
  ),
  wrongOp("conv2dInputGrad", "padding off by one", "one row less above, one more below", (node, inputs, type) => {
    const attrs = shiftedPadding(node.attrs);
    return attrs && right(withAttrs(node, attrs), inputs, type);
  }),
  wrongOp(
    "conv2dInputGrad",
    "pixels without a window",
    "what no window covers gets the mean, not 0",
    (node, inputs, type) => mapped(right(node, inputs, type), (x) => (x === 0 ? 1 : x)),
  ),
  wrongOp("conv2dKernelGrad", "flipped", "taps in reverse order", (node, inputs, type) =>
    flipped(right(node, inputs, type)),
  ),
  wrongOp("conv2dKernelGrad", "mean over the batch", "divided by the number of pictures", (node, inputs, type) =>
    mapped(right(node, inputs, type), (x) => x / Math.max(inputs[0]!.type.shape[0]!, 1)),
  ),
  wrongOp("conv2dKernelGrad", "in TF32", "inputs keep 10 bits behind the point", (node, inputs, type) =>
    right(
      node,
      inputs.map((input) => mapped(input, (x) => withMantissa(10, x))),
      type,
    ),
  ),
  wrongOp("matmul", "in TF32", "inputs keep 10 bits behind the point", (node, inputs, type) =>
    right(
      node,
      inputs.map((input) => mapped(input, (x) => withMantissa(10, x))),
      type,
    ),
  ),
  wrongOp("matmul", "result transposed", "where the result is square", (node, inputs, type) => {
    const y = right(node, inputs, type);
    const n = type.shape.at(-1)!;
    if (!isSquare(y)) return undefined;
    return mapped(y, (_, i) => {
      const start = i - (i % (n * n));
      const [row, column] = [Math.floor((i - start) / n), i % n];
      return y.data[start + column * n + row]!;
    });
  }),
  wrongOp("matmul", "batch ignored", "every matrix is the product of the first two", (node, inputs, type) => {
    const y = right(node, inputs, type);
    const size = type.shape.slice(-2).reduce((product, extent) => product * extent, 1);
    return mapped(y, (_, i) => y.data[i % size]!);
  }),
];
