import { InputError } from "../errors/errors.js";
import { broadcastTo, type Operand } from "../functions/broadcasting.js";
import { abs, add, cast, less, max, mul, power, select, sub } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { exponentialOf } from "./exponential.js";
import { exactLog, logarithmOf, type Range, reduce } from "./logarithm.js";
import { flushTiny, SMALLEST } from "./portable.js";

/**
 * base^gamma for base >= 0 and gamma >= 0, the same bits on every backend. A whole gamma is repeated products (each
 * within 0.5 ulp); any other is within 0.56 ulp. 0^0 = 1; a base below 2^-100 counts as 0; a result below 2^-100 is +0.
 * gamma: a number, or values that broadcast to base. Throws InputError for a number that is negative or not finite.
 */
export function exactPower(base: Value, gamma: Operand): Value {
  const { builder } = base;
  checkExponent("exactPower: gamma", gamma);
  return builder.scope("exact.power", () => {
    if (isWhole(gamma)) return flushTiny(power(base, gamma));
    const exponent = typeof gamma === "number" ? gamma : broadcastTo(gamma, base.shape);
    const powers = powersOf(base, { from: SMALLEST, to: 2 ** 127 });
    const y = powers(exponent);
    if (typeof exponent === "number") {
      // d a^g = g a^(g-1) da
      return builder.differentiateAs(y, [base], (g) => [mul(g, mul(exponent, powers(exponent - 1)))]);
    }
    // d a^g = g a^(g-1) da + a^g ln a dg
    return builder.differentiateAs(y, [base, exponent], (g) => [
      mul(g, mul(exponent, powers(sub(exponent, 1)))),
      mul(g, select(less(base, SMALLEST), 0, mul(y, exactLog(base)))),
    ]);
  });
}

/** Whether repeated products give the power. */
export const isWhole = (gamma: Operand): gamma is number => typeof gamma === "number" && Number.isInteger(gamma);

/** Throws InputError unless an exponent that is a number is finite and at least 0. */
export function checkExponent(name: string, gamma: Operand): void {
  if (typeof gamma === "number" && !(gamma >= 0 && gamma < Number.POSITIVE_INFINITY)) {
    throw new InputError(`${name} must be a finite number >= 0; got ${gamma}`);
  }
}

/**
 * Powers of one base, which share its logarithm: a^g = e^(g ln a), for any g with |g ln a| < 69.
 * Where a < 2^-100 the power is 0^g for g >= 0, and 0 for g < 0 (a derivative that a factor of 0 follows).
 */
export function powersOf(base: Value, range: Range): (gamma: Operand) => Value {
  const parts = logarithmOf(reduce(max(base, SMALLEST), range));
  // ln a = log + logRest, logRest at most half a unit in the last place of log
  const log = add(parts.high, parts.low);
  const logRest = sub(parts.low, sub(log, parts.high));
  const logHalves = halves(log);
  const isZero = less(base, SMALLEST);
  return (gamma) => {
    const [high, low] = logHalves;
    const [gammaHigh, gammaLow] = typeof gamma === "number" ? halvesOf(gamma) : halves(gamma);
    const rounded = typeof gamma === "number" ? Math.fround(gamma) : gamma;
    const product = mul(rounded, log);
    // exact: gamma log - product, by products of 12-bit halves (Dekker 1971)
    const lost = add(
      add(add(sub(mul(gammaHigh, high), product), mul(gammaHigh, low)), mul(gammaLow, high)),
      mul(gammaLow, low),
    );
    const result = flushTiny(exponentialOf(product, add(lost, mul(rounded, logRest))));
    const ofZero = typeof gamma === "number" ? Number(gamma === 0) : cast(less(abs(gamma), SMALLEST), "f32");
    return select(isZero, ofZero, result);
  };
}

/** a = high + low of at most 12 significant bits each (Veltkamp 1968), for |a| < 2^115. */
function halves(a: Value): readonly [Value, Value] {
  const scaled = mul(a, 2 ** 12 + 1);
  const high = sub(scaled, sub(scaled, a));
  return [high, sub(a, high)];
}

function halvesOf(gamma: number): readonly [number, number] {
  const a = Math.fround(gamma);
  const scaled = Math.fround(a * (2 ** 12 + 1));
  const high = Math.fround(scaled - Math.fround(scaled - a));
  return [high, Math.fround(a - high)];
}
