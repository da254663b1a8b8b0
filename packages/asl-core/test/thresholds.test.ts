import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { precisionRecall } from "../src/metrics/precision-recall.js";
import { calibrateThresholds } from "../src/metrics/thresholds.js";

const column = fc
  .array(fc.record({ score: fc.integer({ min: 0, max: 8 }), target: fc.constantFrom(1, 0, -1) }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((rows) => ({
    scores: Float32Array.from(rows, ({ score }) => score / 8),
    targets: rows.map(({ target }) => target),
    shape: [rows.length, 1] as const,
  }))
  .filter(({ targets }) => targets.includes(1));
/** Below, between and above the eighths. */
const everyThreshold = Array.from({ length: 17 }, (_, i) => i / 16);

describe("calibrateThresholds", () => {
  it("f1: no other threshold gives a higher F1, and the figures are those of the decision", () => {
    fc.assert(
      fc.property(column, ({ scores, targets, shape }) => {
        const [found] = calibrateThresholds(scores, targets, shape, { kind: "f1" }, 0.5);
        const f1At = (threshold: number) => precisionRecall(scores, targets, shape, threshold).CF1;
        expect(f1At(found!.threshold)).toBeCloseTo(Math.max(...everyThreshold.map(f1At)), 9);
        const { CP, CR, CF1 } = precisionRecall(scores, targets, shape, found!.threshold);
        expect(found!.precision).toBeCloseTo(CP, 9);
        expect(found!.recall).toBeCloseTo(CR, 9);
        expect(found!.f1).toBeCloseTo(CF1, 9);
      }),
    );
  });

  it("precision: the highest recall among the thresholds with that precision, or nothing at all", () => {
    fc.assert(
      fc.property(column, fc.constantFrom(0.5, 0.75, 1), ({ scores, targets, shape }, precision) => {
        const [found] = calibrateThresholds(scores, targets, shape, { kind: "precision", precision }, 0.5);
        const at = everyThreshold.map((threshold) => precisionRecall(scores, targets, shape, threshold));
        const reaching = at.filter(({ CP }) => CP >= 100 * precision - 1e-9);
        expect(found!.outcome).toBe(reaching.length === 0 ? "unreachable" : "calibrated");
        if (reaching.length === 0) expect(found).toMatchObject({ threshold: 1, recall: 0 });
        else expect(found!.recall).toBeCloseTo(Math.max(...reaching.map(({ CR }) => CR)), 9);
      }),
    );
  });

  it("a class without positives gets the default", () => {
    const [found] = calibrateThresholds(Float32Array.of(0.4, 0.6), [0, -1], [2, 1], { kind: "f1" }, 0.8);
    expect(found).toMatchObject({ threshold: 0.8, outcome: "noPositives", positives: 0 });
  });

  it("refuses logits and impossible goals", () => {
    const scores = Float32Array.of(-2, 3);
    expect(() => calibrateThresholds(scores, [0, 1], [2, 1], { kind: "f1" }, 0.5)).toThrow(
      "scores must be probabilities from 0 to 1; found -2",
    );
    const goal = { kind: "precision", precision: 0 } as const;
    expect(() => calibrateThresholds(new Float32Array(2), [0, 1], [2, 1], goal, 0.5)).toThrow("above 0 and at most 1");
  });
});
