import { createRandom } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AugmentationStep, augmentationOf } from "../src/augment/augmentation.js";
import { flipHorizontally } from "../src/augment/flip.js";
import type { Picture } from "../src/picture.js";

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }), seed: fc.nat() })
  .map(({ width, height, seed }): Picture => {
    const random = createRandom(seed);
    return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
  });

describe("flipHorizontally", () => {
  it("mirrors: pixel x becomes pixel width - 1 - x, and twice is nothing", () => {
    fc.assert(
      fc.property(picture, (original) => {
        const flipped = flipHorizontally(original);
        const pixel = ({ data, width }: Picture, x: number, y: number) =>
          data.subarray((y * width + x) * 3).subarray(0, 3);
        for (let y = 0; y < original.height; y++) {
          for (let x = 0; x < original.width; x++) {
            expect(pixel(flipped, original.width - 1 - x, y)).toEqual(pixel(original, x, y));
          }
        }
        expect(flipHorizontally(flipped)).toEqual(original);
      }),
    );
  });
});

describe("augmentations", () => {
  const steps: readonly AugmentationStep[] = [{ kind: "horizontalFlip" }, { kind: "cutout" }];

  it("leave the given picture alone and depend on the random state only", () => {
    fc.assert(
      fc.property(picture, fc.nat(), (original, seed) => {
        const before = original.data.slice();
        const once = augmentationOf(steps)(original, createRandom(seed));
        expect(original.data).toEqual(before);
        expect(augmentationOf(steps)(original, createRandom(seed))).toEqual(once);
      }),
    );
  });

  it("flip never, always or half the time, by probability", () => {
    const original: Picture = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const flips = (probability: number) =>
      Array.from({ length: 400 }, (_, seed) =>
        augmentationOf([{ kind: "horizontalFlip", probability }])(original, createRandom(seed)),
      ).filter(({ data }) => data[0] === 4).length;
    expect(flips(0)).toBe(0);
    expect(flips(1)).toBe(400);
    expect(Math.abs(flips(0.5) - 200)).toBeLessThan(50); // 5 standard deviations
  });

  it("cutout paints one rectangle of one colour, at most half of each side, and nothing else", () => {
    fc.assert(
      fc.property(picture, fc.nat(), (original, seed) => {
        const cut = augmentationOf([{ kind: "cutout" }])(original, createRandom(seed));
        let [left, top, right, bottom] = [original.width, original.height, 0, 0];
        for (let i = 0; i < original.data.length; i++) {
          if (cut.data[i] === original.data[i]) continue;
          const x = Math.floor(i / 3) % original.width;
          const y = Math.floor(i / 3 / original.width);
          [left, right, top, bottom] = [
            Math.min(left, x),
            Math.max(right, x + 1),
            Math.min(top, y),
            Math.max(bottom, y + 1),
          ];
        }
        expect(right - left).toBeLessThanOrEqual(Math.floor(original.width / 2 + 0.5));
        expect(bottom - top).toBeLessThanOrEqual(Math.floor(original.height / 2 + 0.5));
        const colours = new Set<string>();
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) {
            const at = (y * original.width + x) * 3;
            colours.add(cut.data.subarray(at, at + 3).join());
          }
        }
        expect(colours.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("cutout is of the full size away from the border, and fraction 0 paints nothing", () => {
    const original: Picture = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) };
    const painted = (fraction: number, seed: number) => {
      const { data } = augmentationOf([{ kind: "cutout", fraction }])(original, createRandom(seed));
      return data.filter((_, i) => i % 3 === 0 && (data[i] !== 0 || data[i + 1] !== 0 || data[i + 2] !== 0)).length;
    };
    const sizes = Array.from({ length: 200 }, (_, seed) => painted(0.25, seed));
    expect(Math.max(...sizes)).toBe(16 * 16);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(8 * 8);
    expect(painted(0, 1)).toBe(0);
  });

  it("refuse bad settings and unknown steps by name", () => {
    expect(() => augmentationOf([{ kind: "cutout", fraction: 1.5 }])).toThrow(
      "cutout: fraction must be in 0 .. 1; got 1.5",
    );
    expect(() => augmentationOf([{ kind: "horizontalFlip", probability: Number.NaN }])).toThrow("got NaN");
    expect(() => augmentationOf([{ kind: "mixup" } as unknown as AugmentationStep])).toThrow('unknown step "mixup"');
  });
});
