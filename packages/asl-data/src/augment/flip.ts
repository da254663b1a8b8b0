import { mirrorRows } from "../kernels/augment.js";
import type { Picture } from "../picture.js";

/** Mirrors left and right. */
export function flipHorizontally({ width, height, data }: Picture): Picture {
  const mirrored = mirrorRows(data, width);
  if (mirrored !== undefined) return { width, height, data: mirrored };
  const flipped = new Uint8Array(data.length);
  const stride = width * 3;
  for (let row = 0; row < data.length; row += stride) {
    for (let from = row, to = row + stride - 3; to >= row; from += 3, to -= 3) {
      flipped[to] = data[from]!;
      flipped[to + 1] = data[from + 1]!;
      flipped[to + 2] = data[from + 2]!;
    }
  }
  return { width, height, data: flipped };
}
