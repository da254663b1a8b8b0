import type { Random } from "asl-core";
import type { Picture } from "../picture.js";

/** Covers a rectangle of `fraction` of each side, centred on a random pixel, with one random colour. */
export function cutOut({ width, height, data }: Picture, fraction: number, random: Random): Picture {
  const cutWidth = Math.floor(fraction * width + 0.5);
  const cutHeight = Math.floor(fraction * height + 0.5);
  const left = random.integer(width) - Math.floor(cutWidth / 2);
  const top = random.integer(height) - Math.floor(cutHeight / 2);
  const colour = [random.integer(256), random.integer(256), random.integer(256)] as const;
  const cut = data.slice();
  const right = Math.min(width, left + cutWidth);
  const bottom = Math.min(height, top + cutHeight);
  for (let y = Math.max(0, top); y < bottom; y++) {
    for (let x = Math.max(0, left), at = (y * width + x) * 3; x < right; x++, at += 3) {
      cut[at] = colour[0];
      cut[at + 1] = colour[1];
      cut[at + 2] = colour[2];
    }
  }
  return { width, height, data: cut };
}
