import type { Picture } from "../src/picture.js";

export type PatternKind = "noise" | "extremes" | "smooth" | "dull" | "flat";

/** The synthetic pictures of fixtures/generate/{preprocess,augment}.py. */
export function pattern(kind: PatternKind, [width, height]: readonly [number, number], seed: number): Picture {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    const pixel = Math.floor(i / 3);
    const [x, y, channel] = [pixel % width, Math.floor(pixel / width), i % 3];
    switch (kind) {
      case "noise":
        return state >>> 24;
      case "extremes":
        return state >>> 31 === 1 ? 255 : 0;
      case "smooth":
        return (3 * x + 5 * y + 40 * channel + (state >>> 30)) % 256;
      case "dull":
        return 60 + 20 * channel + ((x + y + (state >>> 30)) % 50);
      case "flat":
        return 17 + 90 * channel;
    }
  });
  return { width, height, data };
}
