import type { Node } from "asl-core";
import { convolutionAttributes } from "./convolution-attributes.js";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";

/**
 * dW[o,c,i,j] = sum over n,h,w of g[n,o,h,w] x[n,c,h*s+i*d-p,...]: a convolution of x with g in which the batch is the
 * contracted channel and stride and dilation change places. Right for all attributes; slow for large images.
 */
export function kernelGradByConvolution(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { strides, padding, dilations, groups, kernelShape } = node.attrs;
  const [batch, channels, height, width] = lowering.shape(x!) as [number, number, number, number];
  const [, out, outHeight, outWidth] = lowering.shape(outputGrad!) as [number, number, number, number];
  const perGroup = channels / groups;
  const split = lowering.reshape(lowering.fullOperand(x!), [batch, groups, perGroup, height, width]);
  const images = lowering.reshape(lowering.transpose(split, [2, 1, 0, 3, 4]), [
    perGroup,
    groups * batch,
    height,
    width,
  ]);
  const kernels = lowering.transpose(lowering.fullOperand(outputGrad!), [1, 0, 2, 3]);
  const attributes = convolutionAttributes({ strides: dilations, padding, dilations: strides, groups }, [
    out,
    batch,
    outHeight,
    outWidth,
  ]);
  const whole = lowering.emit("Conv", [images.name, kernels.name], attributes);
  // Rows and columns that the stride left out give positions beyond the kernel.
  const inside = lowering.emit("Slice", [
    whole,
    lowering.int64([0, 0]),
    lowering.int64(kernelShape.slice(2)),
    lowering.int64([2, 3]),
  ]);
  return lowering.transpose({ name: inside, extents: [perGroup, out, ...kernelShape.slice(2)] }, [1, 0, 2, 3]);
}

/**
 * One matrix product for each kernel position: dW[:,:,i,j] = g [O, positions] times the shifted x [C, positions],
 * transposed. Positions are ordered (height, width, batch): images turn with one matrix transpose, and the rows that a
 * window copies are long.
 */
export function kernelGradByProducts(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { strides, padding, dilations, kernelShape } = node.attrs;
  const [, channels] = lowering.shape(x!) as [number, number, number, number];
  const [batch, out, outHeight, outWidth] = lowering.shape(outputGrad!) as [number, number, number, number];
  const [, , kernelHeight, kernelWidth] = kernelShape as readonly [number, number, number, number];
  const positions = batch * outHeight * outWidth;
  const gradient = lowering.reshape(batchLast(lowering.fullOperand(outputGrad!), lowering), [out, positions]);
  const padded = padImages(batchLast(lowering.fullOperand(x!), lowering), padding, lowering);
  const products: Operand[] = [];
  for (let i = 0; i < kernelHeight; i++) {
    for (let j = 0; j < kernelWidth; j++) {
      const window = {
        name: shiftedWindow(padded, [i * dilations[0], j * dilations[1]], [outHeight, outWidth], strides, lowering),
        extents: [channels, outHeight, outWidth, batch],
      };
      const matrix = lowering.reshape(window, [channels, positions]);
      const name = lowering.emit("Gemm", [gradient.name, matrix.name], { transB: { int: 1 } });
      products.push({ name, extents: [out, channels] });
    }
  }
  if (products.length === 1) return lowering.reshape(products[0]!, kernelShape);
  const stacked = lowering.emit(
    "Concat",
    products.map((product) => lowering.reshape(product, [1, out * channels]).name),
    { axis: { int: 0 } },
  );
  const transposed = lowering.transpose({ name: stacked, extents: [products.length, out * channels] }, [1, 0]);
  return lowering.reshape(transposed, kernelShape);
}

type Pair = readonly [number, number];

/** [N,C,H,W] -> [C,H,W,N]. */
function batchLast(images: Operand, lowering: Lowering): Operand {
  const [batch, channels, height, width] = images.extents as readonly [number, number, number, number];
  const matrix = lowering.reshape(images, [batch, channels * height * width]);
  return lowering.reshape(lowering.transpose(matrix, [1, 0]), [channels, height, width, batch]);
}

/** Zeros around the height and width of [C,H,W,N]. */
function padImages(images: Operand, padding: readonly [Pair, Pair], lowering: Lowering): Operand {
  const [[top, bottom], [left, right]] = padding;
  if ([top, bottom, left, right].every((width) => width === 0)) return images;
  const [channels, height, width, batch] = images.extents as readonly [number, number, number, number];
  return {
    name: lowering.emit("Pad", [images.name, lowering.int64([0, top, left, 0, 0, bottom, right, 0])]),
    extents: [channels, height + top + bottom, width + left + right, batch],
  };
}

/** x[:, from : : stride, :] of [C,H,W,N] with the given height and width. */
function shiftedWindow(images: Operand, from: Pair, extents: Pair, strides: Pair, lowering: Lowering): string {
  const whole = [0, 1].every((axis) => from[axis] === 0 && extents[axis] === images.extents[axis + 1]);
  if (whole) return images.name;
  const ends = from.map((start, axis) => start + (extents[axis]! - 1) * strides[axis]! + 1);
  const unit = strides.every((stride) => stride === 1);
  return lowering.emit("Slice", [
    images.name,
    lowering.int64(from),
    lowering.int64(ends),
    lowering.int64([1, 2]),
    ...(unit ? [] : [lowering.int64(strides)]),
  ]);
}
