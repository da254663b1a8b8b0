import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random, type RandomKey } from "../src/random.js";

function first(count: number, ...key: readonly RandomKey[]): number[] {
  const random = new Random(...key);
  return Array.from({ length: count }, () => random.uint32());
}

describe("Random", () => {
  it("never changes: training runs are resumed and datasets made again with it", () => {
    expect(first(4, 0)).toEqual([3626935633, 1293850652, 194593889, 792290918]);
    expect(first(4, 2024, "augment", 3, 17)).toEqual([3004540531, 1338587081, 675096812, 325577034]);
  });

  it("gives the same numbers for the same key, others for another", () => {
    const part = fc.oneof(fc.maxSafeInteger(), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 4 }), (key, other) => {
        expect(first(4, ...key)).toEqual(first(4, ...key));
        // Object.is-different keys: -0 and 0 are one number.
        const same = JSON.stringify(key) === JSON.stringify(other);
        if (!same) expect(first(4, ...key)).not.toEqual(first(4, ...other));
      }),
    );
    expect(first(4, "ab", "c")).not.toEqual(first(4, "a", "bc"));
    expect(first(4, 1, 2)).not.toEqual(first(4, 2, 1));
  });

  it("refuses a seed that is not a safe integer", () => {
    expect(() => new Random(0.5)).toThrow("a random seed must be a safe integer; got 0.5");
    expect(() => new Random(2 ** 53)).toThrow("safe integer");
  });

  it("integer(n) stays below n and reaches every value about equally often", () => {
    const counts = new Array<number>(7).fill(0);
    const random = new Random(1);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]!++;
    // 5 standard deviations of a binomial count: sqrt(70000 / 7 * 6 / 7) = 93
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 93);
    expect(() => random.integer(0)).toThrow(RangeError);
  });

  it("uniform() has mean 1/2 and variance 1/12, also over neighbouring keys", () => {
    const count = 40_000;
    const streams = [
      Array.from({ length: count }, (_, index) => new Random(5, "augment", 0, index).uniform()),
      (() => {
        const random = new Random(5);
        return Array.from({ length: count }, () => random.uniform());
      })(),
    ];
    for (const values of streams) {
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
      // 5 standard errors: of the mean sqrt(1/12/n) = 0.00144, of the variance sqrt(1/180/n) = 0.00037
      expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * 0.00145);
      expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * 0.00038);
    }
  });

  it("shuffle permutes, and reaches all orders about equally often", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const values = [1, 2, 3];
      new Random(seed).shuffle(values);
      counts.set(values.join(), (counts.get(values.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 5 standard deviations: sqrt(6000 / 6 * 5 / 6) = 29
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 29);
  });
});
