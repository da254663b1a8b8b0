import { exponential, logOnePlus, naturalLogarithm, powerOfTwo, split16 } from "./float64.js";

/** A function on a grid: high + low = the value to about 48 bits, both float32. */
export interface SplitTable {
  readonly high: Float32Array;
  readonly low: Float32Array;
}

/** Grid points per unit of the argument of exponentials. */
export const GRID = 64;

/** Largest |x| of the logistic tables: e^-69.5 < 2^-100. */
export const LOGISTIC_LIMIT = 69.5;

/**
 * The logistic tables hold 2^32 times the value: the low part of a value near 2^-100 would be denormal, and devices
 * treat denormals differently.
 */
export const LOGISTIC_SCALE = 2 ** 32;

export interface LogisticTables {
  /** 2^32 / (1 + e^a) at a = i / 64. */
  readonly probability: SplitTable;
  /** 2^32 ln(1 + e^-a) at a = i / 64. */
  readonly logarithm: SplitTable;
}

export const logisticTables = once((): LogisticTables => {
  const exponentials = Array.from({ length: LOGISTIC_LIMIT * GRID + 1 }, (_, i) => exponential(-i / GRID));
  return {
    probability: splitTable(exponentials.map((e) => (e / (1 + e)) * LOGISTIC_SCALE)),
    logarithm: splitTable(exponentials.map((e) => logOnePlus(e) * LOGISTIC_SCALE)),
  };
});

/** Domain of the exponential's table: e^-69.5 < 2^-100 and e^88.75 > the largest float32. */
export const EXPONENTIAL_DOMAIN = { from: -69.5, to: 88.75 } as const;

/** e^x at x = from + i / 64, times 2^64 for x < 0 and 2^-64 for x >= 0: neither part leaves the normal range. */
export const exponentialTable = once((): SplitTable => {
  const { from, to } = EXPONENTIAL_DOMAIN;
  return splitTable(
    Array.from({ length: (to - from) * GRID + 1 }, (_, i) => {
      const x = from + i / GRID;
      return exponential(x) * powerOfTwo(x < 0 ? 64 : -64);
    }),
  );
});

/** Cells per unit of the logarithm's argument. */
export const CELLS = 4096;

/** Cells from 2^-5 on are narrow enough; those below are unused and hold 0. */
export const FIRST_CELL = CELLS / 32;

export interface LogarithmTables {
  /** r ~ 1 / v with 8 significant bits, for v in [i / 4096, (i + 1) / 4096). 1 around v = 1. */
  readonly reciprocal: Float32Array;
  /** -ln r; `high` is a multiple of 2^-16. */
  readonly logarithm: SplitTable;
}

/** For v in [2^-5, 2). */
export const logarithmTables = once((): LogarithmTables => {
  const reciprocal = new Float32Array(2 * CELLS);
  const high = new Float32Array(2 * CELLS);
  const low = new Float32Array(2 * CELLS);
  for (let i = FIRST_CELL; i < 2 * CELLS; i++) {
    const r = shortReciprocal((i + 0.5) / CELLS);
    const parts = split16(-naturalLogarithm(r) + 0);
    reciprocal[i] = r;
    high[i] = parts.high;
    low[i] = parts.low;
  }
  return { reciprocal, logarithm: { high, low } };
});

/** 1 / v rounded to 8 significant bits, v in [2^-5, 2). */
function shortReciprocal(v: number): number {
  let unit = 2 ** -8;
  for (let scaled = v; scaled < 1; scaled *= 2) unit *= 2;
  return Math.round(1 / (v * unit)) * unit;
}

/** Exponents of the powers of two among which a sum's scale is chosen. */
export const SCALE_EXPONENTS = { from: -100, to: 100 } as const;

export interface ScaleTables {
  /** 2^-100, 2^-99 ... 2^100. */
  readonly powers: Float32Array;
  /** By the number of those powers that exceed the largest element: a power of two above it, and its reciprocal. */
  readonly scale: Float32Array;
  readonly inverse: Float32Array;
}

export const scaleTables = once((): ScaleTables => {
  const { from, to } = SCALE_EXPONENTS;
  const powers = Float32Array.from({ length: to - from + 1 }, (_, i) => powerOfTwo(from + i));
  const exponents = Array.from({ length: powers.length + 1 }, (_, count) => to + 1 - count);
  return {
    powers,
    scale: Float32Array.from(exponents, powerOfTwo),
    inverse: Float32Array.from(exponents, (exponent) => powerOfTwo(-exponent)),
  };
});

function splitTable(values: readonly number[]): SplitTable {
  const high = Float32Array.from(values);
  return { high, low: Float32Array.from(values, (value, i) => value - high[i]!) };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
