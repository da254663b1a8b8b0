import { add, floor, less, max, mul, select, sub } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { LN2_SPLIT } from "./float64.js";
import { flushTiny, lookup, SMALLEST } from "./portable.js";
import { CELLS, FIRST_CELL, logarithmTables } from "./tables.js";

/**
 * ln x within 0.56 ulp, the same bits on every backend, for x in [2^-100, 2^127]. What is smaller (0 and negative
 * numbers included) counts as 2^-100.
 */
export function exactLog(x: Value): Value {
  const { builder } = x;
  return builder.scope("exact.log", () => {
    const clamped = max(x, SMALLEST);
    const reduced = reduce(clamped, { from: SMALLEST, to: 2 ** 127 });
    const { high, low } = logarithmOf(reduced);
    // d ln x = dx / x
    // ln 1 is +0
    return builder.differentiateAs(flushTiny(add(high, low)), [x], (g) => [
      mul(g, select(less(x, SMALLEST), 0, reduced.restoreReciprocal(reciprocalOf(reduced)))),
    ]);
  });
}

/** 1 / x within 0.56 ulp, the same bits on every backend, for x in [2^-100, 2^100]; anything smaller counts as 2^-100. */
export function exactReciprocal(x: Value): Value {
  const { builder } = x;
  return builder.scope("exact.reciprocal", () => {
    const reduced = reduce(max(x, SMALLEST), { from: SMALLEST, to: 2 ** 127 });
    const y = flushTiny(reduced.restoreReciprocal(reciprocalOf(reduced)));
    // d (1 / x) = -dx / x^2
    return builder.differentiateAs(y, [x], (g) => [mul(g, sub(0, mul(y, y)))]);
  });
}

/**
 * v = m 2^e with m in [2^-5, 2) and r m = 1 + f:
 *   ln v = e ln 2 - ln r + ln(1 + f),   1 / m = r / (1 + f)
 */
export interface Reduced {
  /** e as a float32; undefined where it is 0 by the range. */
  readonly exponent: Value | undefined;
  /** r, 8 significant bits. */
  readonly r: Value;
  /** -ln r. */
  readonly high: Value;
  readonly low: Value;
  /** |f| < 2^-7, exact. */
  readonly f: Value;
  /** 1 / v from 1 / m. */
  readonly restoreReciprocal: (reciprocal: Value) => Value;
}

/** Known limits of v: the narrower, the fewer nodes. The bits do not depend on them. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** v in [range.from, range.to], at least 2^-126. */
export function reduce(v: Value, range: Range): Reduced {
  const { m, exponent, restoreReciprocal } = toCells(v, range);
  const tables = logarithmTables();
  const scaled = floor(mul(m, CELLS));
  const [r, high, low] = lookup(scaled, less(m, 2), tables.reciprocal, tables.logarithm.high, tables.logarithm.low) as [
    Value,
    Value,
    Value,
  ];
  const c = mul(scaled, 1 / CELLS);
  // r m - 1 = (r c - 1) + r (m - c), with m - c < 2^-12.
  // exact: for m in [2^-k, 2^(1-k)), m is a multiple of 2^(-23-k) and r of 2^(k-8), so all terms are multiples of 2^-31
  // below 2^-7
  const f = add(sub(mul(c, r), 1), mul(sub(m, c), r));
  return { exponent, r, high, low, f, restoreReciprocal };
}

/** ln v = high + low, low below 2^-13 of max(|high|, 2^-13). `rest`: ln(v + rest) for a rest below ulp(v). */
export function logarithmOf(
  { exponent, high: tableHigh, low: tableLow, f }: Reduced,
  rest?: { readonly value: Value; readonly reciprocal: Value },
): { readonly high: Value; readonly low: Value } {
  // exact: multiples of 2^-16 below 2^7
  const whole = exponent === undefined ? tableHigh : add(mul(exponent, LN2_SPLIT.high), tableHigh);
  const wholeLow = exponent === undefined ? tableLow : add(mul(exponent, LN2_SPLIT.low), tableLow);
  // ln(1 + f) = f + f^2 (-1/2 + f/3 - f^2/4); the next term is below 2^-37
  const curved = mul(mul(f, f), sub(mul(f, sub(1 / 3, mul(f, 0.25))), 0.5));
  const high = add(whole, f);
  // exact: what the sum lost (Dekker 1971), since |whole| >= |f| or whole = 0
  const lost = sub(f, sub(high, whole));
  const low = add(add(lost, wholeLow), curved);
  return { high, low: rest === undefined ? low : add(low, mul(rest.value, rest.reciprocal)) };
}

/** 1 / m. */
export function reciprocalOf({ r, f }: Reduced): Value {
  // 1 / (1 + f) - 1 = -f + f^2 (1 - f + f^2); the next term is below 2^-28 of it
  const square = mul(f, f);
  const bent = sub(mul(square, sub(1, sub(f, square))), f);
  return add(r, mul(r, bent));
}

interface Scaled {
  readonly m: Value;
  readonly exponent: Value | undefined;
  readonly restoreReciprocal: (reciprocal: Value) => Value;
}

/**
 * Scales v into [2^-5, 2) by powers of two: a binary search over the exponent that needs no access to bits.
 * A step of width w multiplies what is below 2^(1-w) by 2^w, after which everything is at least 2^(1-w).
 */
function toCells(v: Value, { from, to }: Range): Scaled {
  let m = v;
  let exponent: Value | undefined;
  const restore: ((reciprocal: Value) => Value)[] = [];
  const scaleWhere = (condition: Value, factors: readonly number[], shift: number) => {
    // exact: powers of two within the normal range. m = v 2^s, so 1 / v = 2^s / m
    const scaled = (value: Value) => factors.reduce<Value>((product, factor) => mul(product, factor), value);
    m = select(condition, scaled(m), m);
    exponent = exponent === undefined ? select(condition, shift, 0) : select(condition, add(exponent, shift), exponent);
    restore.unshift((reciprocal) => select(condition, scaled(reciprocal), reciprocal));
  };
  const isLarge = to >= 2;
  // 2^-127 itself would be denormal
  if (isLarge) scaleWhere(less(LARGEST_BELOW_2, v), [2 ** -64, 2 ** -63], 127);
  for (const width of searchWidths(isLarge ? 2 ** -126 : from)) {
    scaleWhere(less(m, 2 ** (1 - width)), [2 ** width], -width);
  }
  return { m, exponent, restoreReciprocal: (reciprocal) => restore.reduce((value, step) => step(value), reciprocal) };
}

const LARGEST_BELOW_2 = 2 - 2 ** -23;

/** ... 24, 12, 6: as many steps as values from `from` on need to reach the cells. */
function searchWidths(from: number): number[] {
  const widths: number[] = [];
  let reached = FIRST_CELL / CELLS;
  for (let width = 6; from < reached; width *= 2) {
    widths.unshift(width);
    reached = 2 ** (1 - 2 * width);
  }
  return widths;
}
