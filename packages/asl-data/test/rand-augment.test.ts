import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AffineMatrix, type Colour, type Interpolation, rotate, transformAffine } from "../src/augment/affine.js";
import { augmentationOf } from "../src/augment/augmentation.js";
import {
  applyOperation,
  RAND_AUGMENT_OPERATIONS,
  type RandAugmentOperation,
  randAugment,
} from "../src/augment/rand-augment.js";
import type { Picture } from "../src/picture.js";
import { type PatternKind, pattern } from "./patterns.js";
import { root, sha256 } from "./repository.js";

interface Case {
  readonly pattern: PatternKind;
  readonly size: readonly [number, number];
  readonly interpolation: Interpolation;
  readonly sha256: string;
}

interface Goldens {
  readonly operations: readonly (Case & {
    readonly operation: RandAugmentOperation;
    readonly magnitude: number;
    readonly sign: -1 | 1;
  })[];
  readonly affine: readonly (Case & { readonly matrix: AffineMatrix; readonly fill: Colour | null })[];
  readonly rotations: readonly (Case & { readonly degrees: number })[];
}

const goldens = JSON.parse(readFileSync(join(root, "fixtures/preprocess/augment.json"), "utf8")) as Goldens;

const pictures = new Map<string, Picture>();
function pictureOf({ pattern: kind, size }: Case): Picture {
  const key = `${kind} ${size}`;
  const picture = pictures.get(key) ?? pattern(kind, size, 1);
  pictures.set(key, picture);
  return picture;
}

/** The cases whose result has other bytes than Pillow's; the test says which. */
const differing = <T extends Case>(cases: readonly T[], resultOf: (each: T, picture: Picture) => Picture) =>
  cases.filter((each) => sha256(resultOf(each, pictureOf(each)).data) !== each.sha256);

const GREY: Colour = [128, 128, 128];

describe("Pillow's bytes", () => {
  it("cover all 14 operations at three magnitudes", () => {
    const covered = new Map<string, Set<number>>();
    for (const { operation, magnitude } of goldens.operations) {
      covered.set(operation, (covered.get(operation) ?? new Set()).add(magnitude));
    }
    expect([...covered.keys()].sort()).toEqual([...RAND_AUGMENT_OPERATIONS].sort());
    for (const magnitudes of covered.values()) expect([...magnitudes]).toEqual([5, 14, 30]);
  });

  it.each(RAND_AUGMENT_OPERATIONS)("%s", (name) => {
    const cases = goldens.operations.filter(({ operation }) => operation === name);
    expect(cases.length).toBeGreaterThanOrEqual(24);
    expect(
      differing(cases, ({ operation, magnitude, sign, interpolation }, picture) =>
        applyOperation(picture, operation, magnitude, sign, { interpolation, fill: GREY }),
      ),
    ).toEqual([]);
  });

  it("any affine map, also one that leaves 16.16 fixed point", () => {
    expect(
      differing(goldens.affine, ({ matrix, interpolation, fill }, picture) =>
        transformAffine(picture, matrix, { interpolation, ...(fill === null ? {} : { fill }) }),
      ),
    ).toEqual([]);
  });

  it("any rotation", () => {
    expect(
      differing(goldens.rotations, ({ degrees, interpolation }, picture) =>
        rotate(picture, degrees, { interpolation }),
      ),
    ).toEqual([]);
  });
});

describe("RandAugment", () => {
  const picture = fc
    .record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }), seed: fc.nat() })
    .map(({ width, height, seed }) => pattern("noise", [width, height], seed));

  it("at magnitude 0 changes nothing, but for autocontrast and equalize, which have no magnitude", () => {
    const steady = RAND_AUGMENT_OPERATIONS.filter((name) => name !== "autocontrast" && name !== "equalize");
    fc.assert(
      fc.property(picture, fc.constantFrom(...steady), (original, name) => {
        expect(applyOperation(original, name, 0).data).toEqual(original.data);
      }),
    );
  });

  it("leaves the given picture alone and keeps its size", () => {
    fc.assert(
      fc.property(picture, fc.nat(), fc.nat(30), (original, seed, magnitude) => {
        const before = original.data.slice();
        const { width, height, data } = randAugment(original, createRandom(seed), { operations: 3, magnitude });
        expect(original.data).toEqual(before);
        expect([width, height, data.length]).toEqual([original.width, original.height, before.length]);
      }),
    );
  });

  it("picks every operation about equally often, in both directions", () => {
    const counts = new Map<string, number>();
    const [fallback, draws] = ["", 2800];
    const original = pattern("smooth", [16, 16], 1);
    const results = new Map<string, string>();
    for (const name of RAND_AUGMENT_OPERATIONS) {
      for (const sign of [1, -1] as const) {
        const key = sha256(applyOperation(original, name, 20, sign).data);
        if (!results.has(key)) results.set(key, name);
      }
    }
    for (let seed = 0; seed < draws; seed++) {
      const { data } = randAugment(original, createRandom(seed), { operations: 1, magnitude: 20 });
      const name = results.get(sha256(data)) ?? fallback;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.has(fallback)).toBe(false);
    // 200 of each are expected; 5 standard deviations are 68
    for (const name of new Set(results.values())) expect(Math.abs(counts.get(name)! - 200), name).toBeLessThan(68);
  });

  it("refuses bad settings by name", () => {
    const step = { kind: "randAugment" } as const;
    expect(() => augmentationOf([{ ...step, magnitude: 31 }])).toThrow("magnitude must be in 0 .. 30; got 31");
    expect(() => augmentationOf([{ ...step, operations: 1.5 }])).toThrow("operations must be a whole number");
    expect(() => augmentationOf([{ ...step, fill: [0, 0, 256] }])).toThrow("three whole numbers in 0 .. 255");
    expect(() => augmentationOf([{ ...step, interpolation: "cubic" as Interpolation }])).toThrow('got "cubic"');
  });
});
