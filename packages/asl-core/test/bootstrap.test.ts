import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averagePrecision } from "../src/metrics/average-precision.js";
import {
  bootstrapPValue,
  percentileInterval,
  rankClasses,
  resampledAveragePrecision,
  resampledMean,
  resampleWeights,
  weightedAveragePrecision,
} from "../src/metrics/bootstrap.js";

const row = fc.record({
  score: fc.integer({ min: -4, max: 4 }),
  target: fc.constantFrom(1, 0, -1),
  weight: fc.integer({ min: 0, max: 3 }),
});

describe("weightedAveragePrecision", () => {
  it("is the AP of the rows repeated as often as they weigh", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 25 }), (rows) => {
        const [ranked] = rankClasses(
          Float64Array.from(rows, ({ score }) => score),
          rows.map(({ target }) => target),
          [rows.length, 1],
        );
        const repeated = rows.flatMap((each) => Array.from({ length: each.weight }, () => each));
        const expected = averagePrecision(
          repeated.map(({ score }) => score),
          repeated.map(({ target }) => target),
        );
        const actual = weightedAveragePrecision(
          ranked!,
          rows.map(({ weight }) => weight),
        );
        expect(actual).toBe(repeated.some(({ target }) => target === 1) ? expected : null);
      }),
    );
  });
});

describe("resampleWeights", () => {
  it("draws as many rows as there are, the same ones for the same seed", () => {
    const weights = resampleWeights(50, { resamples: 20, seed: 7 });
    for (const sample of weights) expect(sample.reduce((a, b) => a + b)).toBe(50);
    expect(resampleWeights(50, { resamples: 20, seed: 7 })).toEqual(weights);
    expect(resampleWeights(50, { resamples: 20, seed: 8 })).not.toEqual(weights);
    // a longer bootstrap begins with the shorter one
    expect(resampleWeights(50, { resamples: 30, seed: 7 }).slice(0, 20)).toEqual(weights);
  });

  it("refuses too few resamples", () => {
    expect(() => resampleWeights(5, { resamples: 1 })).toThrow("resamples must be a whole number from 2 on; got 1");
  });
});

describe("resampledMean", () => {
  it("counts a class without positives 0, and leaves out one whose positives were not drawn", () => {
    // class 0: perfect, its only positive is row 0; class 1: no positives; class 2: perfect, row 1
    const scores = Float32Array.of(0.9, 0.5, 0.1, 0.1, 0.5, 0.9);
    const classes = rankClasses(scores, [1, 0, 0, 0, 0, 1], [2, 3]);
    const samples = [Uint16Array.of(1, 1), Uint16Array.of(2, 0)];
    const perClass = classes.map((ranked) => resampledAveragePrecision(ranked, samples));
    expect(perClass[2]![1]).toBeNaN();
    const [both, onlyFirst] = resampledMean(perClass, classes);
    expect(both).toBeCloseTo(200 / 3, 5);
    expect(onlyFirst).toBeCloseTo(200 / 3, 5);
  });
});

describe("percentileInterval", () => {
  it("interpolates between order statistics", () => {
    const values = Array.from({ length: 101 }, (_, i) => 100 - i);
    const { low, high } = percentileInterval(values, 0.9);
    expect(low).toBeCloseTo(5, 12);
    expect(high).toBeCloseTo(95, 12);
    expect(percentileInterval([1, 2], 0.5)).toEqual({ low: 1.25, high: 1.75 });
    expect(() => percentileInterval([1], 1)).toThrow("confidence must be above 0 and below 1; got 1");
  });
});

describe("bootstrapPValue", () => {
  it("is twice the share on the far side of 0, and never 0", () => {
    expect(bootstrapPValue(Array.from({ length: 99 }, () => 1))).toBeCloseTo(0.02, 12);
    expect(bootstrapPValue([...Array.from({ length: 96 }, () => 1), -1, -1, -1])).toBeCloseTo(0.08, 12);
    expect(bootstrapPValue([0, 0, 0])).toBe(1);
  });
});
