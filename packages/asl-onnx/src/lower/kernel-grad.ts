import type { Node } from "asl-core";
import { convolutionAttributes } from "./convolution-attributes.js";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";
import { batchLast, type Geometry, gatherWindows, type Pair, padImages } from "./windows.js";

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
 * Matrix products of g [O, positions] with windows of x [C, positions], one for each kernel position. Positions are
 * ordered (height, width, batch): images turn with one matrix transpose, and what a window copies lies together.
 */
export function kernelGradByProducts(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { kernelShape, padding } = node.attrs;
  const [batch, out, outHeight, outWidth] = lowering.shape(outputGrad!) as [number, number, number, number];
  const geometry: Geometry = { ...node.attrs, batch, outHeight, outWidth };
  const positions = batch * outHeight * outWidth;
  const gradient = lowering.reshape(batchLast(lowering.fullOperand(outputGrad!), lowering), [out, positions]);
  const images = padImages(batchLast(lowering.fullOperand(x!), lowering), padding, lowering);
  const kernel = { rows: kernelShape[2]!, columns: kernelShape[3]! };
  if (kernel.rows * kernel.columns === 1 || batch < LEAST_BATCH) {
    return productsOfSlices(gradient, images, geometry, lowering);
  }
  const channels = images.extents[0] as number;
  const whole = batch >= LARGE_BATCH || positions <= LEAST_POSITIONS_PER_OUTPUT * out;
  const rows = Array.from({ length: kernel.rows }, (_, i) => i);
  if (whole) {
    const product = productOfGathered(gradient, images, rows, geometry, lowering);
    return lowering.reshape(product, kernelShape);
  }
  // [kernel row][O * C, kernel column] -> [O * C, kernel row, kernel column]
  const products = rows.map((row) => productOfGathered(gradient, images, [row], geometry, lowering));
  const parts = products.map((product) => lowering.reshape(product, [1, out * channels, kernel.columns]).name);
  const name = lowering.emit("Concat", parts, { axis: { int: 0 } });
  const stacked = { name, extents: [kernel.rows, out * channels, kernel.columns] };
  return lowering.reshape(lowering.transpose(stacked, [1, 0, 2]), kernelShape);
}

/** Gather copies one pixel of all pictures at a time; for a few pictures Slice, which copies rows, is faster. */
const LEAST_BATCH = 4;
/**
 * One product for all kernel positions, or one for each kernel row? The windows of one row stay in cache, but the
 * kernel rows have to be interleaved, a few elements at a time. Many pictures make long copies either way.
 */
const LARGE_BATCH = 16;
const LEAST_POSITIONS_PER_OUTPUT = 12;

/** g times the windows of some kernel rows, gathered side by side: [O, C * rows * kernel columns]. */
function productOfGathered(
  gradient: Operand,
  images: Operand,
  kernelRows: readonly number[],
  geometry: Geometry,
  lowering: Lowering,
): Operand {
  const matrix = gatherWindows(images, kernelRows, geometry, lowering);
  const name = lowering.emit("Gemm", [gradient.name, matrix.name], { transB: { int: 1 } });
  return { name, extents: [gradient.extents[0]!, matrix.extents[0]!] };
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
