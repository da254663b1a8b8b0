import { InputError } from "asl-core";
import { toTensorInKernels } from "./kernels/tensor.js";

/** Pixels in memory: RGB, 8 bits, rows from the top, `data.length = height * width * 3`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** value / 255 rounded to float32, as a float32 division gives it. */
const UNIT = Float32Array.from({ length: 256 }, (_, value) => value / 255);

/**
 * Writes a picture as f32[3, height, width] in [0, 1] (value / 255; no mean, no standard deviation) into `target`
 * from element `offset` on: one row of a batch f32[N, 3, H, W] is at `row * 3 * H * W`.
 * Throws InputError when it does not fit.
 */
export function toTensor(picture: Picture, target: Float32Array, offset = 0): void {
  const { data, width, height } = picture;
  const plane = width * height;
  if (data.length !== 3 * plane) {
    throw new InputError(`toTensor: a ${width} x ${height} picture has ${3 * plane} bytes; got ${data.length}`);
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + 3 * plane > target.length) {
    throw new InputError(
      `toTensor: elements ${offset} .. ${offset + 3 * plane} do not fit into a target of ${target.length}`,
    );
  }
  if (!toTensorInKernels(data, target, offset)) toTensorScalar(data, target, offset);
}

/** In JavaScript: the reference of kernels/tensor.ts, and what runs where WebAssembly SIMD does not. */
export function toTensorScalar(data: Uint8Array, target: Float32Array, offset: number): void {
  const plane = data.length / 3;
  const green = offset + plane;
  const blue = green + plane;
  for (let pixel = 0, byte = 0; pixel < plane; pixel++, byte += 3) {
    target[offset + pixel] = UNIT[data[byte]!]!;
    target[green + pixel] = UNIT[data[byte + 1]!]!;
    target[blue + pixel] = UNIT[data[byte + 2]!]!;
  }
}
