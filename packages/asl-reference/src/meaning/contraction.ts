import {
  type Conv2dAttrs,
  type Conv2dInputGradAttrs,
  type Conv2dKernelGradAttrs,
  type NoAttrs,
  type Shape,
  sizeOf,
} from "asl-core";
import type { Grid, Reals } from "../accumulation.js";
import { type Meaning, realsOf } from "./meaning.js";

// In f32 every product is rounded, then every partial sum, which starts at +0 (a store into the result rounds).

/** y[m,n] = sum_k a[m,k] b[k,n], in order of k. */
export const matmul: Meaning<NoAttrs> = ([left, right], _attrs, type, arithmetic) => {
  const a = realsOf(left!);
  const b = realsOf(right!);
  const y = arithmetic.reals(sizeOf(type.shape));
  const [rows, inner] = left!.type.shape.slice(-2) as [number, number];
  const columns = type.shape.at(-1)!;
  const matrices = sizeOf(type.shape.slice(0, -2));
  const row = (data: Reals, start: number): Grid => ({ data, start, rowStep: 0, columnStep: 1 });
  for (let matrix = 0; matrix < matrices; matrix++) {
    for (let m = 0; m < rows; m++) {
      const target = row(y, (matrix * rows + m) * columns);
      for (let k = 0; k < inner; k++) {
        const factor = a[(matrix * rows + m) * inner + k]!;
        arithmetic.addScaled(target, factor, row(b, (matrix * inner + k) * columns), 1, columns);
      }
    }
  }
  return y;
};

/**
 * What one kernel element does for one picture: it joins grids of `rows` x `columns` elements of the input x and of the
 * output y. Positions that fall on the zero border are left out; they contribute nothing.
 */
interface Tap {
  /** Of the kernel element. */
  readonly index: number;
  readonly x: Omit<Grid, "data">;
  readonly y: Omit<Grid, "data">;
  readonly rows: number;
  readonly columns: number;
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
  visit: (tap: Tap) => void,
): void {
  const [pictures, channels, height, width] = xShape as [number, number, number, number];
  const [outputs, perGroup, kernelHeight, kernelWidth] = kernelShape as [number, number, number, number];
  const [, , outHeight, outWidth] = yShape as [number, number, number, number];
  const [strideY, strideX] = attrs.strides;
  const outputsPerGroup = outputs / attrs.groups;
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
            visit({
              index: ((o * perGroup + c) * kernelHeight + ki) * kernelWidth + kj,
              x: { start: xPlane + xRow * width + xColumn, rowStep: strideY * width, columnStep: strideX },
              y: { start: yPlane + firstRow * outWidth + firstColumn, rowStep: outWidth, columnStep: 1 },
              rows: endRow - firstRow,
              columns: endColumn - firstColumn,
            });
          }
        }
      }
    }
  }
}

const grid = (data: Reals, { start, rowStep, columnStep }: Omit<Grid, "data">): Grid => ({
  data,
  start,
  rowStep,
  columnStep,
});

/** y[n,o,i,j] = sum_{c,ki,kj} kernel[o,c,ki,kj] x[n, g*C/groups + c, i*sh + ki*dh - top, j*sw + kj*dw - left]. */
export const conv2d: Meaning<Conv2dAttrs> = ([input, weight], attrs, type, arithmetic) => {
  const x = realsOf(input!);
  const kernel = realsOf(weight!);
  const y = arithmetic.reals(sizeOf(type.shape));
  forEachTap(input!.type.shape, weight!.type.shape, type.shape, attrs, (tap) =>
    arithmetic.addScaled(grid(y, tap.y), kernel[tap.index]!, grid(x, tap.x), tap.rows, tap.columns),
  );
  return y;
};

/** The adjoint in x: <conv2d(x, kernel), g> = <x, conv2dInputGrad(g, kernel)> for all x. */
export const conv2dInputGrad: Meaning<Conv2dInputGradAttrs> = ([outputGrad, weight], attrs, type, arithmetic) => {
  const g = realsOf(outputGrad!);
  const kernel = realsOf(weight!);
  const x = arithmetic.reals(sizeOf(type.shape));
  forEachTap(attrs.inputShape, weight!.type.shape, outputGrad!.type.shape, attrs, (tap) =>
    arithmetic.addScaled(grid(x, tap.x), kernel[tap.index]!, grid(g, tap.y), tap.rows, tap.columns),
  );
  return x;
};

/** The adjoint in the kernel: <conv2d(x, kernel), g> = <kernel, conv2dKernelGrad(x, g)> for all kernels. */
export const conv2dKernelGrad: Meaning<Conv2dKernelGradAttrs> = ([input, outputGrad], attrs, type, arithmetic) => {
  const x = realsOf(input!);
  const g = realsOf(outputGrad!);
  const kernel = arithmetic.reals(sizeOf(type.shape));
  forEachTap(input!.type.shape, attrs.kernelShape, outputGrad!.type.shape, attrs, (tap) => {
    kernel[tap.index] = arithmetic.addProducts(
      kernel[tap.index]!,
      grid(x, tap.x),
      grid(g, tap.y),
      tap.rows,
      tap.columns,
    );
  });
  return kernel;
};
