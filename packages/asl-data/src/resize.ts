import { InputError } from "asl-core";
import { resizeInKernels } from "./kernels/resize.js";
import type { Picture } from "./picture.js";
import { resizeScalar } from "./resize-scalar.js";
import { KERNELS, type ResizeFilter, tapsOf } from "./resize-taps.js";

export type { ResizeFilter } from "./resize-taps.js";

/**
 * Resizes to exactly `width` x `height` (the aspect ratio is not kept), byte for byte as Pillow's `Image.resize`:
 * an antialiased separable filter in 22-bit fixed point, rows first, then columns, 8 bits in between.
 * The same size gives the same picture back. Throws InputError for a size that is not a positive integer.
 */
export function resize(picture: Picture, width: number, height: number, filter: ResizeFilter): Picture {
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new InputError(`resize: ${name} must be a positive integer; got ${value}`);
    }
  }
  if (KERNELS[filter] === undefined)
    throw new InputError(`resize: filter must be "bicubic" or "bilinear"; got "${filter}"`);

  const rows = width === picture.width ? undefined : tapsOf(picture.width, width, filter);
  const columns = height === picture.height ? undefined : tapsOf(picture.height, height, filter);
  if (rows === undefined && columns === undefined) return { width, height, data: picture.data };
  return { width, height, data: resizeInKernels(picture, rows, columns) ?? resizeScalar(picture, rows, columns) };
}
