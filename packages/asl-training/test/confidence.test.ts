import { createRandom } from "asl-core";
import { describe, expect, it } from "vitest";
import { comparePredictions, mapInterval, type Predictions } from "../src/index.js";

const [ROWS, CLASSES] = [120, 4];

/** Scores that know the targets as well as `skill` says: 0 not at all, 1 perfectly. */
function predictions(skill: number, seed: number): Predictions {
  const labels = createRandom(1, "targets");
  const targets = Float32Array.from({ length: ROWS * CLASSES }, () => Number(labels.chance(0.3)));
  const random = createRandom(seed, "scores");
  return {
    classNames: Array.from({ length: CLASSES }, (_, index) => `class ${index}`),
    pictures: Array.from({ length: ROWS }, (_, row) => `${row}.jpg`),
    targets,
    scores: targets.map((target) => skill * target + (1 - skill) * random.uniform()),
  };
}

/** The same in another order of pictures and classes. */
function shuffled({ classNames, pictures, scores, targets }: Predictions): Predictions {
  const turn = (matrix: Float32Array) => matrix.slice().reverse();
  return {
    classNames: [...classNames].reverse(),
    pictures: [...pictures].reverse(),
    scores: turn(scores),
    targets: turn(targets),
  };
}

describe("mapInterval", () => {
  it("holds most of the mAPs of other samples from the same distribution", async () => {
    const { low, high } = await mapInterval(predictions(0.2, 0), { resamples: 200 });
    expect(high - low).toBeGreaterThan(3);
    expect(high - low).toBeLessThan(25);
  });

  it("is the same for the same seed", async () => {
    const [first, again, other] = await Promise.all(
      [1, 1, 2].map((seed) => mapInterval(predictions(0.2, 0), { resamples: 50, seed })),
    );
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

describe("comparePredictions", () => {
  const options = { resamples: 200 };

  it("finds a real difference, and says which is better", async () => {
    const comparison = await comparePredictions(predictions(0.1, 1), predictions(0.4, 2), options);
    expect(comparison.difference).toBeCloseTo(comparison.b - comparison.a, 12);
    expect(comparison.significant).toBe(true);
    expect(comparison.pValue).toBeLessThan(0.05);
    expect(comparison.statement).toMatch(/^B is better than A: significant at the 5 % level, B - A is within \+/);
    for (const each of comparison.classes) expect(each.difference).toBeCloseTo(each.b - each.a, 12);
  });

  it("turns round with its arguments", async () => {
    const [forth, back] = [
      await comparePredictions(predictions(0.1, 1), predictions(0.4, 2), options),
      await comparePredictions(predictions(0.4, 2), predictions(0.1, 1), options),
    ];
    expect(back.difference).toBe(-forth.difference);
    expect(back.interval.low).toBeCloseTo(-forth.interval.high, 9);
    expect(back.statement).toMatch(/^A is better than B/);
  });

  it("finds none between equals, in whatever order their pictures and classes are", async () => {
    const one = predictions(0.2, 3);
    const comparison = await comparePredictions(one, shuffled(one), options);
    expect(comparison).toMatchObject({ difference: 0, pValue: 1, significant: false });
    expect(comparison.statement).toMatch(/^No significant difference at the 5 % level/);
  });

  it("refuses other pictures, classes or targets", async () => {
    const one = predictions(0.2, 3);
    await expect(comparePredictions(one, { ...one, pictures: one.pictures.map((name) => `x${name}`) })).rejects.toThrow(
      'A has 120 pictures, B has 120; "0.jpg" is only in A',
    );
    await expect(comparePredictions(one, { ...one, classNames: ["a", "b", "c", "d"] })).rejects.toThrow(
      '"class 0" is only in A',
    );
    const targets = one.targets.slice();
    targets[5] = 1 - targets[5]!;
    await expect(comparePredictions(one, { ...one, targets })).rejects.toThrow(
      'the targets differ, first for picture "1.jpg", class "class 1"',
    );
  });
});
