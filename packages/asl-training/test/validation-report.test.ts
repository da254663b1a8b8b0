import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestThreshold, type Predictions, validationReport } from "../src/index.js";

/** Up to 12 pictures of up to 4 classes. */
const predictions: fc.Arbitrary<Predictions> = fc
  .record({ rows: fc.integer({ min: 1, max: 12 }), classes: fc.integer({ min: 1, max: 4 }) })
  .chain(({ rows, classes }) =>
    fc.record({
      classNames: fc.constant(Array.from({ length: classes }, (_, index) => `c${index}`)),
      pictures: fc.constant(Array.from({ length: rows }, (_, index) => `p${index}`)),
      scores: fc
        .array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: rows * classes, maxLength: rows * classes })
        .map((values) => Float32Array.from(values)),
      targets: fc
        .array(fc.constantFrom(0, 1, -1), { minLength: rows * classes, maxLength: rows * classes })
        .map((values) => Float32Array.from(values)),
    }),
  );

describe("validationReport", () => {
  it("gives the same with one threshold and with that threshold for every class", () => {
    fc.assert(
      fc.property(predictions, fc.double({ min: 0, max: 1, noNaN: true }), (given, threshold) => {
        const one = validationReport(given, threshold);
        const each = validationReport(
          given,
          given.classNames.map(() => threshold),
        );
        expect({ ...each, threshold }).toEqual(one);
      }),
    );
  });

  it("counts pictures and names classes", () => {
    const report = validationReport(
      {
        classNames: ["cat", "dog"],
        pictures: ["a", "b"],
        scores: Float32Array.of(0.9, 0.2, 0.1, 0.3),
        targets: Float32Array.of(1, 0, 0, 0),
      },
      0.5,
    );
    expect(report).toMatchObject({ images: 2, threshold: 0.5, OP: 100, OR: 100, positives: { cat: 1, dog: 0 } });
    expect(report.classes.cat).toBeCloseTo(100, 5);
    expect(report.mAPPresent).toBeCloseTo(100, 5);
    expect(report.mAP).toBeCloseTo(50, 5);
  });

  it("refuses matrices of another size", () => {
    const wrong = {
      classNames: ["cat"],
      pictures: ["a", "b"],
      scores: new Float32Array(2),
      targets: new Float32Array(3),
    };
    expect(() => validationReport(wrong, 0.5)).toThrow(
      "2 pictures of 1 classes need 2 scores and targets; got 2 and 3",
    );
  });
});

describe("bestThreshold", () => {
  it("is a hundredth, and none of the coarse steps gives a higher CF1", () => {
    fc.assert(
      fc.property(predictions, (given) => {
        const best = bestThreshold(given);
        expect(Math.round(best * 100) / 100).toBe(best);
        const reached = validationReport(given, best).CF1;
        for (let at = 5; at <= 95; at += 5) expect(validationReport(given, at / 100).CF1).toBeLessThanOrEqual(reached);
      }),
    );
  });
});
