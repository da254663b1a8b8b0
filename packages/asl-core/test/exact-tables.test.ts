import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { exponential, logOnePlus, naturalLogarithm } from "../src/exact/float64.js";
import {
  CELLS,
  EXPONENTIAL_DOMAIN,
  exponentialTable,
  FIRST_CELL,
  GRID,
  LOGISTIC_SCALE,
  logarithmTables,
  logisticTables,
  type SplitTable,
  scaleTables,
} from "../src/exact/tables.js";

/** SHA-256 of the little-endian bytes of tables one after another. */
function digest(...tables: readonly Float32Array[]): string {
  const hash = createHash("sha256");
  for (const table of tables) {
    const bytes = new DataView(new ArrayBuffer(4 * table.length));
    table.forEach((value, i) => {
      bytes.setFloat32(4 * i, value, true);
    });
    hash.update(new Uint8Array(bytes.buffer));
  }
  return hash.digest("hex");
}

const both = ({ high, low }: SplitTable): [Float32Array, Float32Array] => [high, low];

/** The generator's two ulps of float64 and the 2^-25 of 2^-24 that the low part rounds away. */
const SPLIT_ACCURACY = 2 ** -47;

describe("tables of the exact functions: the same bytes wherever they are made", () => {
  it.each([
    [
      "logistic probability",
      () => digest(...both(logisticTables().probability)),
      "4d97c2fd9514249f2cf3bddebc854193f28ca57b5b3e503afdf132e9e254e4c5",
    ],
    [
      "logistic logarithm",
      () => digest(...both(logisticTables().logarithm)),
      "1fcd69d9c80514ae833050506915d6c23a936e20f825f43c0b2f21c01bf4261d",
    ],
    [
      "exponential",
      () => digest(...both(exponentialTable())),
      "aa305214acf6cfd6d83c213fef1acba9261ad07ed93e907a81134ed22c615847",
    ],
    [
      "logarithm",
      () => digest(logarithmTables().reciprocal, ...both(logarithmTables().logarithm)),
      "7f39e0d2858d24716e11c96187850cb49396eb6e134cbf502c7c0187c1fc0ab7",
    ],
    [
      "scales",
      () => digest(scaleTables().powers, scaleTables().scale, scaleTables().inverse),
      "13e33f49da18301ad661df78c953c9039e8e452f4b57582a19564b6fa007b43a",
    ],
  ])("%s", (_name, actual, pinned) => {
    expect(actual()).toBe(pinned);
  });
});

function expectSplit({ high, low }: SplitTable, truth: (i: number) => number): void {
  high.forEach((value, i) => {
    const expected = truth(i);
    expect(Math.abs((value + low[i]!) / expected - 1)).toBeLessThanOrEqual(SPLIT_ACCURACY);
    expect(Math.fround(expected)).toBe(value);
  });
}

/** Neither part may be denormal or infinite: devices treat those differently. */
function expectNormal(...tables: readonly Float32Array[]): void {
  for (const value of tables.flatMap((table) => [...table])) {
    expect(value === 0 || (Math.abs(value) >= 2 ** -126 && Math.abs(value) < 2 ** 128)).toBe(true);
  }
}

describe("what the tables hold", () => {
  it("2^32 / (1 + e^a) and 2^32 ln(1 + e^-a) to 47 bits", () => {
    const { probability, logarithm } = logisticTables();
    expectSplit(probability, (i) => LOGISTIC_SCALE / (1 + Math.exp(i / GRID)));
    expectSplit(logarithm, (i) => LOGISTIC_SCALE * Math.log1p(Math.exp(-i / GRID)));
    expectNormal(...both(probability), ...both(logarithm));
  });

  it("e^x to 47 bits, scaled by 2^64 towards 1", () => {
    const table = exponentialTable();
    expectSplit(table, (i) => {
      const x = EXPONENTIAL_DOMAIN.from + i / GRID;
      return Math.exp(x) * 2 ** (x < 0 ? 64 : -64);
    });
    expectNormal(...both(table));
  });

  it("r ~ 1 / v of 8 bits with exact steps in every cell, and -ln r", () => {
    const { reciprocal, logarithm } = logarithmTables();
    for (let i = FIRST_CELL; i < 2 * CELLS; i++) {
      const r = reciprocal[i]!;
      const octave = 2 ** Math.floor(Math.log2(i / CELLS));
      // f = r v - 1 at both ends of the cell: a multiple of 2^-31 below 2^-7 is exact in float32
      for (const v of [i / CELLS, (i + 1) / CELLS - octave * 2 ** -23]) {
        expect(Math.abs(r * v - 1)).toBeLessThan(2 ** -7);
        expect(Number.isInteger((r * v - 1) * 2 ** 31)).toBe(true);
      }
      expect(Number.isInteger(logarithm.high[i]! * 65536)).toBe(true);
      expect(Math.abs(logarithm.high[i]! + logarithm.low[i]! + Math.log(r))).toBeLessThanOrEqual(2 ** -41);
    }
    expectNormal(reciprocal, ...both(logarithm));
    // Next to 1 nothing may cancel: there r = 1 and ln v = ln(1 + f)
    for (const i of [CELLS - 1, CELLS]) expect([reciprocal[i], logarithm.high[i], logarithm.low[i]]).toEqual([1, 0, 0]);
  });

  it("a power of two above x by the number of powers that exceed it, and its reciprocal", () => {
    const { powers, scale, inverse } = scaleTables();
    for (const x of [0, 2 ** -100, 1, 1.5, 2, 2 ** 99]) {
      const count = powers.filter((power) => x < power).length;
      expect(scale[count]!).toBeGreaterThan(x);
      expect(scale[count]!).toBeLessThanOrEqual(Math.max(2 * x, 2 ** -100));
    }
    scale.forEach((value, i) => {
      expect(value * inverse[i]!).toBe(1);
    });
  });
});

describe("float64 functions of + - x / alone", () => {
  const steps = (from: number, to: number) => Array.from({ length: 2001 }, (_, i) => from + ((to - from) * i) / 2000);

  it("e^x, ln(1 + x) and ln x within a few ulp of the engine's", () => {
    for (const x of steps(-100, 100)) expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(2 ** -50);
    for (const x of steps(0, 1).slice(1)) expect(Math.abs(logOnePlus(x) / Math.log1p(x) - 1)).toBeLessThan(2 ** -50);
    for (const x of steps(-100, 100)) {
      const error = Math.abs(naturalLogarithm(2 ** x) - Math.log(2 ** x));
      expect(error).toBeLessThan(2 ** -50 * Math.max(1, Math.abs(x)));
    }
    expect(naturalLogarithm(1)).toBe(0);
  });
});
