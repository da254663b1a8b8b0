import { broadcastTo } from "../functions/broadcasting.js";
import { cast, less, max, mul, select } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import type { AsymmetricLossOptions, Reduction, Unannotated } from "../losses/options.js";
import { type EffectiveTargets, resolveTargets } from "../losses/reduction.js";
import { sizeOf } from "../types/tensor.js";
import { exactReciprocal } from "./logarithm.js";
import { flushTiny } from "./portable.js";
import { exactSum } from "./sum.js";

/** `resolveTargets` for a probability that is known already. targets, p: [batch, classes]. */
export function exactTargets(targets: Value, p: Value, unannotated: Unannotated | undefined): EffectiveTargets {
  if (unannotated?.mode !== "selective") return resolveTargets(p, targets, unannotated);
  const { prior, priorThreshold, likelihoodThreshold } = unannotated;
  const ignored = max(
    cast(less(priorThreshold, broadcastTo(prior, p.shape)), "f32"),
    cast(less(likelihoodThreshold, p), "f32"),
  );
  const annotated = cast(less(-0.5, targets), "f32");
  return { targets: max(targets, 0), counted: select(less(0, ignored), annotated, 1) };
}

/**
 * Class weights, mask and reduction over losses >= 0 [batch, classes]; class weights must not be negative either.
 * A mean is the sum times the rounded reciprocal of the number of elements: backends round divisions differently.
 */
export function exactReduction(
  elements: Value,
  counted: Value | undefined,
  { classWeights, reduction = "sum" }: Pick<AsymmetricLossOptions, "classWeights" | "reduction">,
): Value {
  const weighted = classWeights === undefined ? elements : flushTiny(mul(elements, classWeights));
  // select, not a product: an ignored element must not contribute even when its loss is not finite
  const masked = counted === undefined ? weighted : select(less(0, counted), weighted, 0);
  return REDUCE[reduction](masked, counted);
}

const sum = (elements: Value) => exactSum(elements, { nonNegative: true });

const REDUCE: Readonly<Record<Reduction, (elements: Value, counted: Value | undefined) => Value>> = {
  none: (elements) => elements,
  sum,
  batchMean: (elements) => mul(sum(elements), 1 / elements.shape[0]!),
  mean: (elements, counted) =>
    counted === undefined
      ? mul(sum(elements), 1 / sizeOf(elements.shape))
      : mul(sum(elements), exactReciprocal(max(sum(counted), 1))),
};
