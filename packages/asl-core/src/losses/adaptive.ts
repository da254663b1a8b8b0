import { InputError } from "../errors/errors.js";
import { add, div, max, min, mul, sigmoid, sub } from "../functions/elementwise.js";
import { reduceSum } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";

/**
 * Mean probability of positives and mean (1 - p) of negatives, both scalars; 0 where there are none. logits, targets
 * (0 or 1, -1 where not annotated, soft in between): [batch, classes].
 */
export function probabilityBalance(logits: Value, targets: Value): { pPlus: Value; pMinus: Value } {
  return logits.builder.scope("probabilityBalance", () => {
    const p = sigmoid(logits);
    const positives = max(targets, 0);
    // 1 - max(y, 0) + min(y, 0): 1 - y where annotated, 0 where not
    const negatives = add(sub(1, positives), min(targets, 0));
    return {
      pPlus: div(reduceSum(mul(p, positives)), max(reduceSum(positives), 1)),
      pMinus: div(reduceSum(mul(sub(1, p), negatives)), max(reduceSum(negatives), 1)),
    };
  });
}

export interface AdaptiveAsymmetryOptions {
  /** Step size lambda of the update. */
  readonly rate: number;
  /** Wanted pPlus - pMinus. Default 0.1. */
  readonly targetGap?: number;
  /** Upper limit of gammaNeg. Default 10. */
  readonly maximum?: number;
}

/**
 * gammaNeg for the next step: clamp(gammaNeg + rate (targetGap - (pPlus - pMinus)), 0, maximum).
 * A gap that is too small raises the focusing of negatives, which lets positives catch up: negative feedback.
 * Ben-Baruch et al. 2021, section 3.3 (with the sign that converges).
 */
export function adaptGammaNeg(
  gammaNeg: number,
  { pPlus, pMinus }: { readonly pPlus: number; readonly pMinus: number },
  { rate, targetGap = 0.1, maximum = 10 }: AdaptiveAsymmetryOptions,
): number {
  if (!Number.isFinite(pPlus) || !Number.isFinite(pMinus)) {
    throw new InputError(`adaptGammaNeg: pPlus and pMinus must be finite; got ${pPlus}, ${pMinus}`);
  }
  const gap = pPlus - pMinus;
  return Math.min(Math.max(gammaNeg + rate * (targetGap - gap), 0), maximum);
}
