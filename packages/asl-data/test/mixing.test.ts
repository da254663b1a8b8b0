import { createRandom } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkMixing, givesSoftTargets, type MixableBatch, type MixingStep, mixBatch } from "../src/augment/mixing.js";

/** Row r is one colour, r / 8, and shows class r alone. */
function batchOf(rows: number, size: number): MixableBatch {
  const images = Float32Array.from({ length: rows * 3 * size * size }, (_, i) => Math.floor(i / (3 * size * size)) / 8);
  const targets = Float32Array.from({ length: rows * rows }, (_, i) => (i % rows === Math.floor(i / rows) ? 1 : 0));
  return { images, targets, rows, size, classes: rows };
}

function mixed(step: MixingStep, seed: number, rows = 6, size = 9): MixableBatch {
  const batch = batchOf(rows, size);
  mixBatch(batch, step, createRandom(seed));
  return batch;
}

const rowOf = (values: Float32Array, row: number, length: number) => values.subarray(row * length, (row + 1) * length);

/** The row's own class and the one that was mixed in, with their targets. */
const shownBy = ({ targets, classes }: MixableBatch, row: number) =>
  [...rowOf(targets, row, classes)].flatMap((value, label) => (value > 0 ? [{ label, value }] : []));

const alphas = fc.double({ min: 0.05, max: 20, noNaN: true });

describe("MixUp", () => {
  it("blends every picture with another one and the targets in the same shares", () => {
    fc.assert(
      fc.property(alphas, fc.nat(), (alpha, seed) => {
        const batch = mixed({ kind: "mixUp", alpha }, seed);
        const lambdas = new Set<number>();
        for (let row = 0; row < batch.rows; row++) {
          const shown = shownBy(batch, row);
          const own = batch.targets[row * batch.classes + row]!;
          lambdas.add(own);
          expect(shown.reduce((sum, { value }) => sum + value, 0)).toBe(1);
          const colour = shown.reduce((sum, { label, value }) => sum + (value * label) / 8, 0);
          const errors = rowOf(batch.images, row, 3 * 81).map((value) => Math.abs(value - colour));
          expect(Math.max(...errors)).toBeLessThan(2 ** -23);
        }
        expect(lambdas.size).toBe(1);
        expect(Number.isInteger([...lambdas][0]! * 256)).toBe(true);
      }),
    );
  });

  it("draws lambda from Beta(alpha, alpha): mean 1/2, variance 1 / (4 (2 alpha + 1))", () => {
    for (const alpha of [0.2, 1, 5]) {
      const lambdas = Array.from(
        { length: 2000 },
        (_, seed) => mixed({ kind: "mixUp", alpha }, seed, 2, 1).targets[0]!,
      );
      const mean = lambdas.reduce((a, b) => a + b) / lambdas.length;
      const variance = lambdas.reduce((sum, lambda) => sum + (lambda - mean) ** 2, 0) / lambdas.length;
      const expected = 1 / (4 * (2 * alpha + 1));
      expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / lambdas.length));
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.15);
    }
  });
});

describe("CutMix", () => {
  it("shows one rectangle of another picture; union keeps targets hard and has the classes of both", () => {
    fc.assert(
      fc.property(alphas, fc.nat(), (alpha, seed) => {
        const batch = mixed({ kind: "cutMix", alpha }, seed);
        for (let row = 0; row < batch.rows; row++) {
          const shown = shownBy(batch, row);
          expect(shown.map(({ value }) => value)).toEqual([1, 1]);
          const colours = new Set(rowOf(batch.images, row, 3 * 81));
          for (const colour of colours) expect(shown.map(({ label }) => label / 8)).toContain(colour);
        }
      }),
    );
  });

  it('with "mixed" targets weights classes by the area that they have', () => {
    fc.assert(
      fc.property(alphas, fc.nat(), (alpha, seed) => {
        const batch = mixed({ kind: "cutMix", alpha, targets: "mixed" }, seed);
        for (let row = 0; row < batch.rows; row++) {
          const pixels = rowOf(batch.images, row, 3 * 81);
          for (let label = 0; label < batch.classes; label++) {
            const area = pixels.filter((value) => value === label / 8).length / pixels.length;
            expect(batch.targets[row * batch.classes + label]).toBeCloseTo(area, 6);
          }
        }
      }),
    );
  });

  it("leaves what is not annotated in either picture so, unless a positive decides it", () => {
    const batch = { ...batchOf(2, 4), targets: Float32Array.of(-1, 1, -1, 0, -1, 0), classes: 3 };
    mixBatch(batch, { kind: "cutMix", alpha: 1 }, createRandom(1));
    expect([...batch.targets]).toEqual([-1, 1, -1, -1, 1, -1]);
  });
});

describe("mixing", () => {
  it("leaves a single picture and padding rows alone", () => {
    const single = mixed({ kind: "mixUp", alpha: 1 }, 3, 1);
    expect(single).toEqual(batchOf(1, 9));
    const padded = { ...batchOf(4, 3), rows: 3 };
    mixBatch(padded, { kind: "mixUp", alpha: 1 }, createRandom(2));
    expect(rowOf(padded.images, 3, 27)).toEqual(rowOf(batchOf(4, 3).images, 3, 27));
    expect(rowOf(padded.targets, 3, 4)).toEqual(rowOf(batchOf(4, 3).targets, 3, 4));
  });

  it("says when targets become soft", () => {
    expect(givesSoftTargets(undefined)).toBe(false);
    expect(givesSoftTargets({ kind: "mixUp", alpha: 1 })).toBe(true);
    expect(givesSoftTargets({ kind: "cutMix", alpha: 1 })).toBe(false);
    expect(givesSoftTargets({ kind: "cutMix", alpha: 1, targets: "mixed" })).toBe(true);
  });

  it("refuses bad settings by name", () => {
    expect(() => checkMixing({ kind: "mixUp", alpha: 0 })).toThrow("mixUp: alpha must be above 0, at most 100; got 0");
    expect(() => checkMixing({ kind: "mosaic", alpha: 1 } as unknown as MixingStep)).toThrow('unknown step "mosaic"');
    expect(() => checkMixing({ kind: "cutMix", alpha: 1, targets: "both" as "union" })).toThrow('got "both"');
  });
});
