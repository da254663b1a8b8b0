import type { Node } from "asl-core";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";
import { batchLast, type Geometry, gatherWindows, type Pair, padImages } from "./windows.js";

/** Gather copies one pixel of all pictures at a time; for a few pictures Slice, which copies rows, is faster. */
const LEAST_BATCH = 4;

/**
 * Matrix products of g [O, positions] with windows of x [C, positions]. Positions are ordered (height, width, batch):
 * images turn with one matrix transpose, and what a window copies lies together.
 */
export function kernelGradBatchLast(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { kernelShape, padding } = node.attrs;
  const [batch, out, outHeight, outWidth] = lowering.shape(outputGrad!) as [number, number, number, number];
  const geometry: Geometry = { ...node.attrs, batch, outHeight, outWidth };
  const turned = batchLast(lowering.fullOperand(outputGrad!), lowering);
  const gradient = lowering.reshape(turned, [out, batch * outHeight * outWidth]);
  const images = padImages(batchLast(lowering.fullOperand(x!), lowering), padding, lowering);
  const [, channels, rows, columns] = kernelShape as [number, number, number, number];
  if (rows * columns === 1 || batch < LEAST_BATCH) return productsOfSlices(gradient, images, geometry, lowering);
  const kernelRows = Array.from({ length: rows }, (_, i) => i);
  const windows = gatherWindows(images, kernelRows, geometry, lowering);
  const name = lowering.emit("Gemm", [gradient.name, windows.name], { transB: { int: 1 } });
  return lowering.reshape({ name, extents: [out, channels * rows * columns] }, kernelShape);
}

/** One product for each kernel position, dW[:,:,i,j] = g times the shifted x. */
function productsOfSlices(gradient: Operand, images: Operand, geometry: Geometry, lowering: Lowering): Operand {
  const { strides, dilations, kernelShape, batch, outHeight, outWidth } = geometry;
  const [out, positions] = gradient.extents as readonly [number, number];
  const channels = images.extents[0] as number;
  const products: Operand[] = [];
  for (let i = 0; i < kernelShape[2]!; i++) {
    for (let j = 0; j < kernelShape[3]!; j++) {
      const from = [i * dilations[0], j * dilations[1]] as const;
      const window = {
        name: shiftedWindow(images, from, [outHeight, outWidth], strides, lowering),
        extents: [channels, outHeight, outWidth, batch],
      };
      const matrix = lowering.reshape(window, [channels, positions]);
      const name = lowering.emit("Gemm", [gradient.name, matrix.name], { transB: { int: 1 } });
      products.push({ name, extents: [out, channels] });
    }
  }
  if (products.length === 1) return lowering.reshape(products[0]!, kernelShape);
  const names = products.map(({ name }) => name);
  const stacked = {
    name: lowering.emit("Concat", names, { axis: { int: 0 } }),
    extents: [products.length * out, channels],
  };
  const byPosition = lowering.reshape(stacked, [products.length, out * channels]);
  return lowering.reshape(lowering.transpose(byPosition, [1, 0]), kernelShape);
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
