import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NonFiniteError } from "../src/errors/errors.js";
import { averagePrecision, meanAveragePrecision } from "../src/metrics/average-precision.js";
import { precisionRecall } from "../src/metrics/precision-recall.js";

interface GoldenRates {
  CP: number;
  CR: number;
  CF1_mean_of_class_f1: number;
  CF1_of_mean_p_r: number;
  OP: number;
  OR: number;
  OF1: number;
}
interface GoldenCase {
  shape: [number, number];
  scores: string;
  targets: string;
  ap: number[];
  mAP: number;
  at_0_5: GoldenRates;
  at_0_8: GoldenRates;
}
const golden = JSON.parse(readFileSync(new URL("../../../fixtures/metrics/metrics.json", import.meta.url), "utf8")) as {
  cases: GoldenCase[];
};

const bytes = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));
const within = (actual: number, expected: number, what: string) =>
  expect(Math.abs(actual - expected), `${what}: ${actual} against ${expected}`).toBeLessThanOrEqual(1e-9);

describe.each(golden.cases)("the official evaluation of $shape", (expected) => {
  const scores = new Float32Array(bytes(expected.scores).buffer);
  const targets = bytes(expected.targets);

  it("mAP and the AP of every class agree to 1e-9", () => {
    const actual = meanAveragePrecision(scores, targets, expected.shape);
    within(actual.mAP, expected.mAP, "mAP");
    for (const [column, ap] of expected.ap.entries()) within(actual.perClass[column]!, 100 * ap, `AP of ${column}`);
    const present = expected.ap.filter((_, column) => actual.positives[column]! > 0);
    within(actual.mAPPresent, (100 * present.reduce((a, b) => a + b)) / present.length, "mAPPresent");
  });

  it.each([
    [0.5, expected.at_0_5],
    [0.8, expected.at_0_8],
  ])("precision, recall and F1 at %d agree to 1e-9", (threshold, rates) => {
    const actual = precisionRecall(scores, targets, expected.shape, threshold);
    within(actual.CP, rates.CP, "CP");
    within(actual.CR, rates.CR, "CR");
    within(actual.CF1, rates.CF1_mean_of_class_f1, "CF1");
    within(actual.CF1OfMeans, rates.CF1_of_mean_p_r, "CF1OfMeans");
    within(actual.OP, rates.OP, "OP");
    within(actual.OR, rates.OR, "OR");
    within(actual.OF1, rates.OF1, "OF1");
  });
});

const ranking = fc.array(fc.record({ score: fc.integer({ min: -4, max: 4 }), target: fc.constantFrom(1, 0, -1) }), {
  maxLength: 30,
});
const columns = (rows: readonly { score: number; target: number }[]) =>
  [rows.map(({ score }) => score), rows.map(({ target }) => target)] as const;

/** AP of a perfect ranking: the official evaluation divides by the number of positives + 1e-8. */
const PERFECT = (positives: number) => positives / (positives + 1e-8);

describe("averagePrecision", () => {
  it("is the mean precision at the ranks of the positives", () => {
    // Ranks of the positives 1, 3 and 4: (1/1 + 2/3 + 3/4) / 3
    expect(averagePrecision([0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 1, 1, 0])).toBeCloseTo(
      (1 + 2 / 3 + 3 / 4) / (3 + 1e-8),
      15,
    );
  });

  it("is what the definition says, counted in O(n^2)", () => {
    fc.assert(
      fc.property(ranking, (rows) => {
        const known = rows.filter(({ target }) => target !== -1);
        const ahead = (i: number, j: number) =>
          known[j]!.score > known[i]!.score || (known[j]!.score === known[i]!.score && j <= i);
        const upTo = (i: number) => known.filter((_, j) => ahead(i, j));
        const precisions = known.flatMap(({ target }, i) =>
          target === 1 ? [upTo(i).filter((row) => row.target === 1).length / upTo(i).length] : [],
        );
        const expected = precisions.reduce((a, b) => a + b, 0) / (precisions.length + 1e-8);
        expect(averagePrecision(...columns(rows))).toBeCloseTo(expected, 12);
      }),
    );
  });

  it("breaks ties by index: the first of equal scores ranks first", () => {
    expect(averagePrecision([0.5, 0.5], [1, 0])).toBe(PERFECT(1));
    expect(averagePrecision([0.5, 0.5], [0, 1])).toBe(PERFECT(1) / 2);
    expect(averagePrecision([0, -0], [0, 1])).toBe(PERFECT(1) / 2);
  });

  it("leaves unannotated examples out of the ranking", () => {
    fc.assert(
      fc.property(ranking, (rows) => {
        const known = rows.filter(({ target }) => target !== -1);
        expect(averagePrecision(...columns(rows))).toBe(averagePrecision(...columns(known)));
      }),
    );
  });

  it("sees the order of the scores only", () => {
    fc.assert(
      fc.property(ranking, (rows) => {
        const [scores, targets] = columns(rows);
        const sigmoids = scores.map((x) => 1 / (1 + Math.exp(-x)));
        expect(averagePrecision(sigmoids, targets)).toBe(averagePrecision(scores, targets));
      }),
    );
  });

  it("is 1 where all positives come first and 0 without positives", () => {
    expect(averagePrecision([3, 2, 1], [1, 1, 0])).toBe(PERFECT(2));
    expect(averagePrecision([3, 2, 1], [0, 0, -1])).toBe(0);
    expect(averagePrecision([], [])).toBe(0);
  });
});

describe("meanAveragePrecision", () => {
  it("counts a class without positives as 0 in mAP and leaves it out of mAPPresent", () => {
    const scores = Float32Array.of(0.9, 0.2, 0.1, 0.3);
    expect(meanAveragePrecision(scores, [1, 0, 0, 0], [2, 2])).toEqual({
      mAP: 50 * PERFECT(1),
      mAPPresent: 100 * PERFECT(1),
      perClass: [100 * PERFECT(1), 0],
      positives: [1, 0],
    });
    expect(meanAveragePrecision(scores, [0, 0, 0, 0], [2, 2]).mAPPresent).toBe(0);
    expect(meanAveragePrecision(new Float32Array(0), [], [0, 3])).toMatchObject({ mAP: 0, positives: [0, 0, 0] });
  });

  it("reads column by column what averagePrecision reads", () => {
    const { shape, scores, targets } = golden.cases[0]!;
    const [matrix, truth] = [new Float32Array(bytes(scores).buffer), bytes(targets)];
    const column = <T>(of: ArrayLike<T>, c: number) =>
      Array.from({ length: shape[0] }, (_, r) => of[r * shape[1] + c]!);
    meanAveragePrecision(matrix, truth, shape).perClass.forEach((percent, c) => {
      expect(percent).toBe(100 * averagePrecision(column(matrix, c), column(truth, c)));
    });
  });
});

describe("precisionRecall", () => {
  // rows: pictures, columns: classes 0, 1, 2
  const scores = Float64Array.of(0.9, 0.6, 0.1, 0.8, 0.7, 0.5);
  const targets = [1, 0, 0, 0, 1, 1];

  it("counts decisions with score > threshold, 0.5 itself not", () => {
    const rates = precisionRecall(scores, targets, [2, 3], 0.5);
    // class 0: 1 of 2 predicted, 1 of 1 found; class 1: 1 of 2, 1 of 1; class 2: none predicted, 0 of 1
    expect(rates.CP).toBeCloseTo(100 / 3, 12);
    expect(rates.CR).toBeCloseTo(200 / 3, 12);
    expect(rates.CF1).toBeCloseTo((100 * (2 / 3 + 2 / 3)) / 3, 12);
    expect(rates.CF1OfMeans).toBeCloseTo((100 * (2 * (1 / 3) * (2 / 3))) / 1, 12);
    expect(rates.OP).toBeCloseTo(50, 12);
    expect(rates.OR).toBeCloseTo(200 / 3, 12);
    expect(rates.OF1).toBeCloseTo((100 * 2 * (1 / 2) * (2 / 3)) / (7 / 6), 12);
  });

  it("with topK predicts the highest of a row only, ties by index, and only above the threshold", () => {
    const all = Number.NEGATIVE_INFINITY;
    // class 0 in both rows: one hit of two predictions, three positives
    expect(precisionRecall(scores, targets, [2, 3], all, { topK: 1 })).toMatchObject({
      OP: 50,
      OR: 100 * (1 / 3),
    });
    expect(precisionRecall(scores, targets, [2, 3], 0.85, { topK: 1 })).toMatchObject({
      OP: 100,
      OR: 100 * (1 / 3),
    });
    expect(precisionRecall(scores, targets, [2, 3], 0.5, { topK: 3 })).toEqual(
      precisionRecall(scores, targets, [2, 3], 0.5),
    );
    expect(precisionRecall(Float64Array.of(1, 1), [1, 0], [1, 2], 0, { topK: 1 }).OP).toBe(100);
  });

  it("does not count unannotated entries, and they take no place among the topK", () => {
    const known = precisionRecall(scores, [-1, 0, 0, 0, 1, 1], [2, 3], 0.5, { topK: 1 });
    // Row 0 predicts class 1 (wrong), row 1 class 0 (wrong)
    expect(known).toMatchObject({ OP: 0, OR: 0, OF1: 0 });
  });
});

describe("bad input", () => {
  const shape = [2, 2] as const;

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("%d names its row and class", (bad) => {
    const scores = Float32Array.of(0, 0, 0, bad);
    for (const metric of [
      () => meanAveragePrecision(scores, [0, 1, 0, 1], shape),
      () => precisionRecall(scores, [0, 1, 0, 1], shape, 0.5),
    ]) {
      expect(metric).toThrow(NonFiniteError);
      expect(metric).toThrow(`scores: ${bad} at row 1, class 1 of [2,2]`);
    }
  });

  it("lengths, targets, thresholds and topK that do not fit are refused", () => {
    const scores = new Float32Array(4);
    expect(() => meanAveragePrecision(scores, [0, 1], shape)).toThrow(
      "[2,2] needs 4 scores and targets; got 4 scores and 2",
    );
    expect(() => meanAveragePrecision(scores, [0, 0, 0.5, 0], shape)).toThrow("targets: 0.5 at row 1, class 0");
    expect(() => meanAveragePrecision(scores, [0, 0, 0, 0], [-2, -2])).toThrow("integers >= 0; got [-2,-2]");
    expect(() => precisionRecall(scores, [0, 0, 0, 0], shape, Number.NaN)).toThrow("the threshold is NaN");
    expect(() => precisionRecall(scores, [0, 0, 0, 0], shape, 0, { topK: 0 })).toThrow("topK must be an integer >= 1");
  });
});
