import { type Conv2dAttrs, i32, type Shape } from "asl-core";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";

export type Pair = readonly [number, number];

/** A convolution whose images lie batch last. */
export interface Geometry extends Conv2dAttrs {
  /** [O,C,kH,kW]. */
  readonly kernelShape: Shape;
  readonly batch: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** [N,C,H,W] -> [C,H,W,N]. */
export function batchLast(images: Operand, lowering: Lowering): Operand {
  const [batch, channels, height, width] = images.extents as readonly [number, number, number, number];
  const matrix = lowering.reshape(images, [batch, channels * height * width]);
  return lowering.reshape(lowering.transpose(matrix, [1, 0]), [channels, height, width, batch]);
}

/** [C,H,W,N] -> [N,C,H,W]. */
export function batchFirst(images: Operand, lowering: Lowering): Operand {
  const [channels, height, width, batch] = images.extents as readonly [number, number, number, number];
  const matrix = lowering.reshape(images, [channels * height * width, batch]);
  return lowering.reshape(lowering.transpose(matrix, [1, 0]), [batch, channels, height, width]);
}

/** Zeros around the height and width of [C,H,W,N]. */
export function padImages(images: Operand, padding: readonly [Pair, Pair], lowering: Lowering): Operand {
  const [[top, bottom], [left, right]] = padding;
  if ([top, bottom, left, right].every((width) => width === 0)) return images;
  const [channels, height, width, batch] = images.extents as readonly [number, number, number, number];
  return {
    name: lowering.emit("Pad", [images.name, lowering.int64([0, top, left, 0, 0, bottom, right, 0])]),
    extents: [channels, height + top + bottom, width + left + right, batch],
  };
}

/**
 * The windows of some kernel rows of padded images [C,H,W,N], side by side: [C * rows * kernel columns, positions],
 * positions ordered (height, width, batch).
 */
export function gatherWindows(
  images: Operand,
  kernelRows: readonly number[],
  { strides, dilations, kernelShape, batch, outHeight, outWidth }: Geometry,
  lowering: Lowering,
): Operand {
  const [channels, height, width] = images.extents as readonly [number, number, number, number];
  const pixels: number[] = [];
  for (const i of kernelRows)
    for (let j = 0; j < kernelShape[3]!; j++)
      for (let row = 0; row < outHeight; row++)
        for (let column = 0; column < outWidth; column++) {
          const [y, x] = [row * strides[0] + i * dilations[0], column * strides[1] + j * dilations[1]];
          pixels.push(y * width + x);
        }
  const indices = lowering.constant(i32([pixels.length], pixels), "windows");
  const flat = lowering.reshape(images, [channels, height * width, batch]);
  const name = lowering.emit("Gather", [flat.name, indices.name], { axis: { int: 1 } });
  const windows = channels * kernelRows.length * kernelShape[3]!;
  return lowering.reshape({ name, extents: [channels, pixels.length, batch] }, [windows, outHeight * outWidth * batch]);
}

/**
 * The sum of all windows [C * kH * kW, positions] where they came from: [C,H,W,N]. Each pixel collects its windows and
 * adds them; where it has fewer than others it takes zeros.
 */
export function sumWindows(
  windows: Operand,
  [height, width]: Pair,
  { strides, dilations, padding, kernelShape, batch, outHeight, outWidth }: Geometry,
  lowering: Lowering,
): Operand {
  const [, channels, kernelHeight, kernelWidth] = kernelShape as readonly [number, number, number, number];
  const places = kernelHeight * kernelWidth * outHeight * outWidth;
  const sources: number[][] = Array.from({ length: height * width }, () => []);
  for (let i = 0; i < kernelHeight; i++)
    for (let j = 0; j < kernelWidth; j++)
      for (let row = 0; row < outHeight; row++)
        for (let column = 0; column < outWidth; column++) {
          const y = row * strides[0] + i * dilations[0] - padding[0][0];
          const x = column * strides[1] + j * dilations[1] - padding[1][0];
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          sources[y * width + x]!.push(((i * kernelWidth + j) * outHeight + row) * outWidth + column);
        }
  const most = Math.max(1, ...sources.map(({ length }) => length));
  const pixels = sources.flatMap((each) => [...each, ...Array<number>(most - each.length).fill(places)]);
  const flat = lowering.reshape(windows, [channels, places, batch]);
  const withZero = lowering.emit("Pad", [flat.name, lowering.int64([0, 0, 0, 0, 1, 0])]);
  const indices = lowering.constant(i32([pixels.length], pixels), "sources");
  const name = lowering.emit("Gather", [withZero, indices.name], { axis: { int: 1 } });
  const collected = lowering.reshape({ name, extents: [channels, pixels.length, batch] }, [
    channels,
    height * width,
    most,
    batch,
  ]);
  const sum = lowering.emit("ReduceSum", [collected.name, lowering.int64([2])], { keepdims: { int: 0 } });
  return lowering.reshape({ name: sum, extents: [channels, height * width, batch] }, [channels, height, width, batch]);
}
