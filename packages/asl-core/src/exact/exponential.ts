import { add, floor, less, max, min, mul, select, sub } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { flushTiny, lookup } from "./portable.js";
import { EXPONENTIAL_DOMAIN, exponentialTable, GRID } from "./tables.js";

/** e^x within 0.56 ulp, the same bits on every backend; below 2^-100 it is +0, above the largest float32 infinite. */
export function exactExp(x: Value): Value {
  const { builder } = x;
  return builder.scope("exact.exp", () => {
    const y = flushTiny(exponentialOf(x));
    // d e^x = e^x dx
    return builder.differentiateAs(y, [x], (g) => [mul(g, y)]);
  });
}

/**
 * e^(x + rest), |rest| below 2^-12. With x = i/64 + d, |d| <= 2^-7: e^(i/64) + e^(i/64) (e^(d + rest) - 1).
 */
export function exponentialOf(x: Value, rest?: Value): Value {
  const { from, to } = EXPONENTIAL_DOMAIN;
  const { high: tableHigh, low: tableLow } = exponentialTable();
  const clamped = min(max(x, from), to);
  const i = floor(add(mul(clamped, GRID), 0.5));
  // exact: both terms are multiples of ulp(x), and the difference is at most 2^-7
  const exactD = sub(clamped, mul(i, 1 / GRID));
  const d = rest === undefined ? exactD : add(exactD, rest);
  const [high, low] = lookup(sub(i, from * GRID), less(clamped, to), tableHigh, tableLow) as [Value, Value];
  // e^d - 1 = d + d^2/2 + d^3/6; the next term is below 2^-32
  const growth = add(mul(mul(d, d), add(0.5, mul(d, 1 / 6))), d);
  const scaled = add(high, add(low, mul(high, growth)));
  return mul(scaled, select(less(i, 0), 2 ** -64, 2 ** 64));
}
