/** Pixels in memory: RGB, 8 bits, rows from the top, `data.length = height * width * 3`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export type PatternKind = "noise" | "extremes" | "smooth" | "dull" | "flat";

/**
 * The synthetic pictures of fixtures/preprocess, as their provenance says: for each byte
 * state = (1664525 state + 1013904223) mod 2^32, from state = seed.
 */
export function pattern(kind: PatternKind, [width, height]: readonly [number, number], seed: number): Picture {
  const value = VALUES[kind];
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++, i++) {
        state = (Math.imul(1664525, state) + 1013904223) >>> 0;
        data[i] = value(state, x, y, channel);
      }
    }
  }
  return { width, height, data };
}

const VALUES: Readonly<Record<PatternKind, (state: number, x: number, y: number, channel: number) => number>> = {
  noise: (state) => state >>> 24,
  extremes: (state) => (state >>> 31 === 1 ? 255 : 0),
  smooth: (state, x, y, channel) => (3 * x + 5 * y + 40 * channel + (state >>> 30)) % 256,
  dull: (state, x, y, channel) => 60 + 20 * channel + ((x + y + (state >>> 30)) % 50),
  flat: (_state, _x, _y, channel) => 17 + 90 * channel,
};
