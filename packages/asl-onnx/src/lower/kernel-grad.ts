import { i32, type Node } from "asl-core";
import { isPointwise } from "./contraction.js";
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
  if (isPointwise(node.attrs, kernelShape)) {
    const [g, windows] = [outputGrad!, x!].map((value) => channelRows(lowering.fullOperand(value), lowering));
    const name = lowering.emit("Gemm", [g!.name, windows!.name], { transB: { int: 1 } });
    return lowering.reshape({ name, extents: [out, kernelShape[1]!] }, kernelShape);
  }
  const geometry: Geometry = { ...node.attrs, batch, outHeight, outWidth };
  const positions = batch * outHeight * outWidth;
  const gradient = lowering.reshape(batchLast(lowering.fullOperand(outputGrad!), lowering), [out, positions]);
  const images = padImages(batchLast(lowering.fullOperand(x!), lowering), padding, lowering);
  const kernel = { rows: kernelShape[2]!, columns: kernelShape[3]! };
  if (kernel.rows * kernel.columns === 1 || batch < LEAST_BATCH) {
    return productsOfSlices(gradient, images, geometry, lowering);
  }
  const height = lowering.shape(x!)[2]!;
  const few = positions <= LEAST_POSITIONS_PER_OUTPUT * out;
  if (!few && kernel.rows > 1 && node.attrs.strides[0] === 1 && height <= outHeight) {
    return productOfShifted(node, geometry, lowering);
  }
  const channels = images.extents[0] as number;
  const whole = batch >= LARGE_BATCH || few;
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

/**
 * With stride 1 along the height, y = h + i d - p:
 *   dW[o,c,i,j] = sum over n,y,w of g[n,o,y+p-i*d,w] x[n,c,y,w*s+j*d-p]
 * The kernel row shifts g and the kernel column shifts x, so that kH copies of g and kW of x make one product with all
 * kernel positions, where windows of x alone are kH kW copies.
 */
function productOfShifted(node: Node<"conv2dKernelGrad">, geometry: Geometry, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { strides, padding, kernelShape } = geometry;
  const [out, channels, rows, columns] = kernelShape as readonly [number, number, number, number];
  const height = lowering.shape(x!)[2]!;
  const images = padImages(batchLast(lowering.fullOperand(x!), lowering), [[0, 0], padding[1]], lowering);
  const acrossColumns: Geometry = {
    ...geometry,
    ...{ strides: [1, strides[1]], kernelShape: [out, channels, 1, columns], outHeight: height },
  };
  const windows = gatherWindows(images, [0], acrossColumns, lowering);
  const gradients = shiftedRows(batchLast(lowering.fullOperand(outputGrad!), lowering), height, geometry, lowering);
  const name = lowering.emit("Gemm", [gradients.name, windows.name], { transB: { int: 1 } });
  const product = { name, extents: [out * rows, channels * columns] };
  const split = lowering.reshape(product, [out, rows, channels, columns]);
  return lowering.reshape(lowering.transpose(split, [0, 2, 1, 3]), kernelShape);
}

/** Row y + p - i d of g [O,H,W,N] for each kernel row i and row y < `height`, zero beyond: [O * kernel rows, positions]. */
function shiftedRows(gradient: Operand, height: number, { padding, dilations, kernelShape }: Geometry, lowering: Lowering) {
  const [out, outHeight, outWidth, batch] = gradient.extents as readonly [number, number, number, number];
  const rows = kernelShape[2]!;
  const zeros = outHeight;
  const sources = Array.from({ length: rows * height }, (_, index) => {
    const row = (index % height) + padding[0][0] - Math.floor(index / height) * dilations[0];
    return row >= 0 && row < outHeight ? row : zeros;
  });
  const flat = lowering.reshape(gradient, [out, outHeight, outWidth * batch]);
  const withZeros = lowering.emit("Pad", [flat.name, lowering.int64([0, 0, 0, 0, 1, 0])]);
  const indices = lowering.constant(i32([sources.length], sources), "rows");
  const name = lowering.emit("Gather", [withZeros, indices.name], { axis: { int: 1 } });
  return lowering.reshape({ name, extents: [out, sources.length, outWidth * batch] }, [
    out * rows,
    height * outWidth * batch,
  ]);
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

function channelRows(images: Operand, lowering: Lowering): Operand {
  const [batch, channels, height, width] = images.extents as readonly [number, number, number, number];
  const area = height * width;
  const turned = lowering.transpose(lowering.reshape(images, [batch, channels, area]), [1, 0, 2]);
  return lowering.reshape(turned, [channels, batch * area]);
}
