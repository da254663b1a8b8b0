import { ShapeError } from "../errors/errors.js";
import { mul } from "../functions/elementwise.js";
import { pad, reshape, transpose } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { f32, formatShape } from "../types/tensor.js";
import { NATIVE_NUMERICS, type Numerics } from "./numerics.js";

type ImageShape = readonly [number, number, number, number];

/** [N,C,H,W] -> [N, b*b*C, H/b, W/b]; output channel = (dy * b + dx) * C + c. */
export function spaceToDepth(x: Value, block: number): Value {
  const [batch, channels, height, width] = x.shape as ImageShape;
  if (height % block !== 0 || width % block !== 0) {
    throw new ShapeError(
      "spaceToDepth",
      `height and width must be multiples of ${block}; x is ${formatShape(x.shape)}`,
      x.builder.currentScope,
    );
  }
  const blocks = reshape(x, [batch, channels, height / block, block, width / block, block]);
  const depth = block * block * channels;
  return reshape(transpose(blocks, [0, 3, 5, 1, 2, 4]), [batch, depth, height / block, width / block]);
}

/** Anti-aliased subsampling by 2: reflect pad 1, depthwise [1 2 1] x [1 2 1] / 16. Zhang 2019. */
export function blurPool(x: Value, { conv2d }: Numerics = NATIVE_NUMERICS): Value {
  const channels = x.shape[1]!;
  const row = [1, 2, 1];
  const filter = row.flatMap((a) => row.map((b) => (a * b) / 16));
  const kernel = x.builder.constant(f32([channels, 1, 3, 3], Array.from({ length: channels }, () => filter).flat()));
  return conv2d(pad(x, [0, 0, 1, 1], [0, 0, 1, 1], "reflect"), kernel, { stride: 2, groups: channels });
}

/** Mean over 2x2 windows with stride 2; an odd edge makes a smaller window (ceil mode, padding not counted). */
export function averagePool2x2(x: Value, { sum }: Numerics = NATIVE_NUMERICS): Value {
  const [batch, channels, height, width] = x.shape as ImageShape;
  const [outHeight, outWidth] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const even = pad(x, [0, 0, 0, 0], [0, 0, outHeight * 2 - height, outWidth * 2 - width]);
  const sums = sum(reshape(even, [batch, channels, outHeight, 2, outWidth, 2]), [3, 5]);
  if (height % 2 === 0 && width % 2 === 0) return mul(sums, 0.25);
  const rows = Array.from({ length: outHeight }, (_, i) => Math.min(2, height - 2 * i));
  const columns = Array.from({ length: outWidth }, (_, i) => Math.min(2, width - 2 * i));
  const shares = rows.flatMap((a) => columns.map((b) => 1 / (a * b)));
  return mul(sums, x.builder.constant(f32([1, 1, outHeight, outWidth], shares)));
}

/** [N,C,H,W] -> [N,C]. */
export const globalMean = (x: Value, { mean }: Numerics = NATIVE_NUMERICS) => mean(x, [2, 3]);
