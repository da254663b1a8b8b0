import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePicture } from "../src/decode.js";
import type { Picture } from "../src/picture.js";
import { type ResizeFilter, resize } from "../src/resize.js";
import { type PatternKind, pattern } from "./patterns.js";
import { hasShared, root, sha256, shared } from "./repository.js";

interface ResizeCase {
  readonly pattern: PatternKind;
  readonly seed: number;
  readonly source: readonly [number, number];
  readonly target: readonly [number, number];
  readonly filter: ResizeFilter;
  readonly sha256: string;
}

const cases = (
  JSON.parse(readFileSync(join(root, "fixtures/preprocess/resize.json"), "utf8")) as { cases: ResizeCase[] }
).cases;

describe("resize gives Pillow's bytes", () => {
  it.each(cases)("$pattern $source -> $target, $filter", (each) => {
    const { width, height, data } = resize(
      pattern(each.pattern, each.source, each.seed),
      each.target[0],
      each.target[1],
      each.filter,
    );
    expect([width, height]).toEqual(each.target);
    expect(sha256(data)).toBe(each.sha256);
  });

  const folder = join(shared, "goldens/preprocess");
  it.skipIf(!hasShared)(
    "a photograph at all sizes of ../shared/goldens/preprocess (skipped where that is absent)",
    async () => {
      const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
        source: string;
        decoded_sha256: string;
        resized: { filter: ResizeFilter; size: [number, number]; sha256_rgb: string }[];
      };
      const picture = await decodePicture(join(folder, expected.source));
      expect(sha256(picture.data)).toBe(expected.decoded_sha256);
      expect(expected.resized.length).toBeGreaterThan(0);
      for (const { filter, size, sha256_rgb } of expected.resized) {
        expect(sha256(resize(picture, size[0], size[1], filter).data), `${filter} ${size}`).toBe(sha256_rgb);
      }
    },
  );
});

describe("resize", () => {
  const filter = fc.constantFrom<ResizeFilter>("bicubic", "bilinear");
  const side = fc.integer({ min: 1, max: 40 });

  it("keeps a picture of one colour", () => {
    const colour = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(side, side, side, side, filter, colour, (width, height, toWidth, toHeight, by, rgb) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3]!);
        const resized = resize({ width, height, data }, toWidth, toHeight, by);
        expect(resized.data).toEqual(Uint8Array.from({ length: toWidth * toHeight * 3 }, (_, i) => rgb[i % 3]!));
      }),
    );
  });

  it("at the same size changes nothing", () => {
    fc.assert(
      fc.property(side, side, filter, fc.nat(), (width, height, by, seed) => {
        const picture = pattern("noise", [width, height], seed);
        expect(resize(picture, width, height, by).data).toEqual(picture.data);
      }),
    );
  });

  it("treats the channels alike and apart", () => {
    fc.assert(
      fc.property(side, side, side, side, filter, (width, height, toWidth, toHeight, by) => {
        const picture = pattern("noise", [width, height], 5);
        const rotated = { ...picture, data: rotateChannels(picture.data) };
        expect(resize(rotated, toWidth, toHeight, by).data).toEqual(
          rotateChannels(resize(picture, toWidth, toHeight, by).data),
        );
      }),
    );
  });

  it("does not change its input", () => {
    const picture = pattern("noise", [9, 9], 1);
    const before = picture.data.slice();
    resize(picture, 4, 17, "bicubic");
    expect(picture.data).toEqual(before);
  });

  it("names a bad size or filter", () => {
    const picture: Picture = { width: 1, height: 1, data: new Uint8Array(3) };
    expect(() => resize(picture, 0, 4, "bicubic")).toThrow("resize: width must be a positive integer; got 0");
    expect(() => resize(picture, 4, 2.5, "bicubic")).toThrow("resize: height must be a positive integer; got 2.5");
    expect(() => resize(picture, 4, 4, "lanczos" as ResizeFilter)).toThrow('"bicubic" or "bilinear"; got "lanczos"');
  });
});

function rotateChannels(data: Uint8Array): Uint8Array {
  return data.map((_, i) => data[i % 3 === 2 ? i - 2 : i + 1]!);
}
