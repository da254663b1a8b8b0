import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meanAveragePrecision } from "../src/metrics/average-precision.js";
import { ColumnRanking } from "../src/metrics/ranking.js";

const target = fc.constantFrom(1, 0, -1);
/** Few distinct values, so that ties are common, beside floats of any size and both zeros. */
const score = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0, -0),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);

describe("ColumnRanking", () => {
  it("sorts float32 by radix as a stable comparison sort does, without the rows that nobody annotated", () => {
    const ranking = new ColumnRanking(40);
    fc.assert(
      fc.property(fc.array(fc.tuple(score, target), { maxLength: 40 }), (rows) => {
        const scores = Float32Array.from(rows, ([value]) => value);
        const targets = rows.map(([, value]) => value);
        const annotated = [...rows.keys()].filter((row) => targets[row] !== -1);
        // Array.prototype.sort is stable
        const expected = annotated.sort((a, b) => scores[b]! - scores[a]!);
        expect([...ranking.rank(scores, targets)]).toEqual(expected);
        expect([...ranking.rank(Float64Array.from(scores), targets)]).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same numbers for float32 and float64 scores", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(score, target, score, target), { minLength: 1, maxLength: 30 }), (rows) => {
        const scores = Float32Array.from(rows.flatMap(([a, , b]) => [a, b]));
        const targets = rows.flatMap(([, a, , b]) => [a, b]);
        const shape = [rows.length, 2] as const;
        expect(meanAveragePrecision(scores, targets, shape)).toEqual(
          meanAveragePrecision(Float64Array.from(scores), targets, shape),
        );
      }),
    );
  });
});
