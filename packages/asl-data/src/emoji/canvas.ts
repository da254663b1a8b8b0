import type { Sprite } from "./sprite.js";

/** A square RGB picture being painted. */
export interface Canvas {
  readonly size: number;
  readonly data: Uint8ClampedArray;
}

export function newCanvas(size: number): Canvas {
  return { size, data: new Uint8ClampedArray(size * size * 3) };
}

/** under * (1 - alpha) + sprite, where the sprite lies on the canvas. */
export function paste({ size, data }: Canvas, sprite: Sprite, left: number, top: number): void {
  const firstX = Math.max(0, -left);
  const lastX = Math.min(sprite.width, size - left);
  const lastY = Math.min(sprite.height, size - top);
  for (let y = Math.max(0, -top); y < lastY; y++) {
    let from = (y * sprite.width + firstX) * 4;
    let to = ((top + y) * size + left + firstX) * 3;
    for (let x = firstX; x < lastX; x++, from += 4, to += 3) {
      const alpha = sprite.data[from + 3]!;
      if (alpha === 0) continue;
      const under = 255 - alpha;
      for (let channel = 0; channel < 3; channel++) {
        data[to + channel] = sprite.data[from + channel]! + (data[to + channel]! * under) / 255;
      }
    }
  }
}
