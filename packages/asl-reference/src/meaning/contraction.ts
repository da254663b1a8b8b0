import {
  type Conv2dAttrs,
  type Conv2dInputGradAttrs,
  type Conv2dKernelGradAttrs,
  type NoAttrs,
  type Shape,
  sizeOf,
} from "asl-core";
import { type Meaning, realsOf } from "./meaning.js";

// In f32 every product is rounded, then every partial sum, which starts at +0 (a store into the result rounds).

/** y[m,n] = sum_k a[m,k] b[k,n], in order of k. */
export const matmul: Meaning<NoAttrs> = ([left, right], _attrs, type, arithmetic) => {
  const a = realsOf(left!);
  const b = realsOf(right!);
  const { round } = arithmetic;
  const y = arithmetic.reals(sizeOf(type.shape));
  const [rows, inner] = left!.type.shape.slice(-2) as [number, number];
  const columns = type.shape.at(-1)!;
  const matrices = sizeOf(type.shape.slice(0, -2));
  for (let matrix = 0; matrix < matrices; matrix++) {
    for (let m = 0; m < rows; m++) {
      const target = (matrix * rows + m) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = a[(matrix * rows + m) * inner + k]!;
        const source = (matrix * inner + k) * columns;
        for (let n = 0; n < columns; n++) y[target + n] = y[target + n]! + round(factor * b[source + n]!);
      }
    }
  }
  return y;
};

/**
 * The pairs (input element, output element) that one kernel element joins for one picture: a grid of `rows` x `columns`,
 * x[xStart + r * xRowStep + c * xColumnStep] with y[yStart + r * yRowStep + c].
 * Positions that fall on the zero border are left out; they contribute nothing.
 */
interface Tap {
  readonly kernelIndex: number;
  readonly xStart: number;
  readonly yStart: number;
  readonly rows: number;
  readonly columns: number;
}

interface Geometry {
  readonly xRowStep: number;
  readonly xColumnStep: number;
  readonly yRowStep: number;
}

/** Output positions along one axis that kernel position k joins with an input element, [first, end). */
function joined(k: number, extent: number, outExtent: number, axis: 0 | 1, attrs: Conv2dAttrs): [number, number] {
  const stride = attrs.strides[axis];
  // Output position o reads input position o * stride + shift.
  const shift = k * attrs.dilations[axis] - attrs.padding[axis][0];
  const first = Math.max(0, Math.ceil(-shift / stride));
  const end = Math.min(outExtent, Math.floor((extent - 1 - shift) / stride) + 1);
  return [first, Math.max(first, end)];
}

/**
 * Visits y[n,o,i,j] ~ kernel[o,c,ki,kj] * x[n, g*C/groups + c, i*sh + ki*dh - top, j*sw + kj*dw - left]
 * in the order n, o, c, ki, kj. All three convolutions are this visit with another one of x, kernel, y unknown, so:
 * conv2d sums in the order c, ki, kj; the input's gradient in o, ki, kj; the kernel's gradient in n, i, j.
 */
function forEachTap(
  xShape: Shape,
  kernelShape: Shape,
  yShape: Shape,
  attrs: Conv2dAttrs,
  visit: (tap: Tap, geometry: Geometry) => void,
): void {
  const [pictures, channels, height, width] = xShape as [number, number, number, number];
  const [outputs, perGroup, kernelHeight, kernelWidth] = kernelShape as [number, number, number, number];
  const [, , outHeight, outWidth] = yShape as [number, number, number, number];
  const [strideY, strideX] = attrs.strides;
  const outputsPerGroup = outputs / attrs.groups;
  const geometry = { xRowStep: strideY * width, xColumnStep: strideX, yRowStep: outWidth };
  const rowRanges = Array.from({ length: kernelHeight }, (_, k) => joined(k, height, outHeight, 0, attrs));
  const columnRanges = Array.from({ length: kernelWidth }, (_, k) => joined(k, width, outWidth, 1, attrs));
  for (let n = 0; n < pictures; n++) {
    for (let o = 0; o < outputs; o++) {
      const yPlane = (n * outputs + o) * outHeight * outWidth;
      const firstChannel = Math.floor(o / outputsPerGroup) * perGroup;
      for (let c = 0; c < perGroup; c++) {
        const xPlane = (n * channels + firstChannel + c) * height * width;
        for (let ki = 0; ki < kernelHeight; ki++) {
          const [firstRow, endRow] = rowRanges[ki]!;
          const xRow = firstRow * strideY + ki * attrs.dilations[0] - attrs.padding[0][0];
          for (let kj = 0; kj < kernelWidth; kj++) {
            const [firstColumn, endColumn] = columnRanges[kj]!;
            const xColumn = firstColumn * strideX + kj * attrs.dilations[1] - attrs.padding[1][0];
            visit(
              {
                kernelIndex: ((o * perGroup + c) * kernelHeight + ki) * kernelWidth + kj,
                xStart: xPlane + xRow * width + xColumn,
                yStart: yPlane + firstRow * outWidth + firstColumn,
                rows: endRow - firstRow,
                columns: endColumn - firstColumn,
              },
              geometry,
            );
          }
        }
      }
    }
  }
}

/** y[n,o,i,j] = sum_{c,ki,kj} kernel[o,c,ki,kj] x[n, g*C/groups + c, i*sh + ki*dh - top, j*sw + kj*dw - left]. */
export const conv2d: Meaning<Conv2dAttrs> = ([input, weight], attrs, type, arithmetic) => {
  const x = realsOf(input!);
  const kernel = realsOf(weight!);
  const { round } = arithmetic;
  const y = arithmetic.reals(sizeOf(type.shape));
  forEachTap(input!.type.shape, weight!.type.shape, type.shape, attrs, (tap, { xRowStep, xColumnStep, yRowStep }) => {
    const { xStart, yStart, rows, columns } = tap;
    const factor = kernel[tap.kernelIndex]!;
    for (let r = 0; r < rows; r++) {
      const xRow = xStart + r * xRowStep;
      const yRow = yStart + r * yRowStep;
      for (let c = 0; c < columns; c++) {
        y[yRow + c] = y[yRow + c]! + round(factor * x[xRow + c * xColumnStep]!);
      }
    }
  });
  return y;
};

/** The adjoint in x: <conv2d(x, kernel), g> = <x, conv2dInputGrad(g, kernel)> for all x. */
export const conv2dInputGrad: Meaning<Conv2dInputGradAttrs> = ([outputGrad, weight], attrs, type, arithmetic) => {
  const g = realsOf(outputGrad!);
  const kernel = realsOf(weight!);
  const { round } = arithmetic;
  const x = arithmetic.reals(sizeOf(type.shape));
  const { inputShape } = attrs;
  const gShape = outputGrad!.type.shape;
  forEachTap(inputShape, weight!.type.shape, gShape, attrs, (tap, { xRowStep, xColumnStep, yRowStep }) => {
    const { xStart, yStart, rows, columns } = tap;
    const factor = kernel[tap.kernelIndex]!;
    for (let r = 0; r < rows; r++) {
      const xRow = xStart + r * xRowStep;
      const gRow = yStart + r * yRowStep;
      for (let c = 0; c < columns; c++) {
        const target = xRow + c * xColumnStep;
        x[target] = x[target]! + round(factor * g[gRow + c]!);
      }
    }
  });
  return x;
};

/** The adjoint in the kernel: <conv2d(x, kernel), g> = <kernel, conv2dKernelGrad(x, g)> for all kernels. */
export const conv2dKernelGrad: Meaning<Conv2dKernelGradAttrs> = ([input, outputGrad], attrs, type, arithmetic) => {
  const x = realsOf(input!);
  const g = realsOf(outputGrad!);
  const { round } = arithmetic;
  const kernel = arithmetic.reals(sizeOf(type.shape));
  const { kernelShape } = attrs;
  const gShape = outputGrad!.type.shape;
  forEachTap(input!.type.shape, kernelShape, gShape, attrs, (tap, { xRowStep, xColumnStep, yRowStep }) => {
    const { xStart, yStart, rows, columns } = tap;
    let sum = kernel[tap.kernelIndex]!;
    for (let r = 0; r < rows; r++) {
      const xRow = xStart + r * xRowStep;
      const gRow = yStart + r * yRowStep;
      for (let c = 0; c < columns; c++) sum = round(sum + round(x[xRow + c * xColumnStep]! * g[gRow + c]!));
    }
    kernel[tap.kernelIndex] = sum;
  });
  return kernel;
};
