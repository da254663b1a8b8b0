import { broadcastTo } from "../functions/broadcasting.js";
import { cast, div, less, max, mul, select, sigmoid } from "../functions/elementwise.js";
import { mean, reduceSum } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import type { AsymmetricLossOptions, Reduction, Unannotated } from "./options.js";

/** Targets in [0, 1], and where they count: undefined means everywhere. */
export interface EffectiveTargets {
  readonly targets: Value;
  readonly counted: Value | undefined;
}

/** Resolves targets of -1 by the chosen meaning. logits, targets: [batch, classes]. */
export function resolveTargets(logits: Value, targets: Value, unannotated: Unannotated | undefined): EffectiveTargets {
  if (unannotated === undefined) return { targets, counted: undefined };
  const resolved = max(targets, 0);
  if (unannotated.mode === "negative") return { targets: resolved, counted: undefined };
  const annotated = cast(less(-0.5, targets), "f32");
  if (unannotated.mode === "ignore") return { targets: resolved, counted: annotated };
  const { prior, priorThreshold, likelihoodThreshold } = unannotated;
  const common = cast(less(priorThreshold, broadcastTo(prior, logits.shape)), "f32");
  const likely = cast(less(likelihoodThreshold, sigmoid(logits)), "f32");
  const plainNegative = mul(select(less(0, common), 0, 1), select(less(0, likely), 0, 1));
  return { targets: resolved, counted: max(annotated, plainNegative) };
}

/** Class weights, mask and reduction over per-element losses [batch, classes]. */
export function reduceLoss(
  elements: Value,
  counted: Value | undefined,
  { classWeights, reduction = "sum" }: Pick<AsymmetricLossOptions, "classWeights" | "reduction">,
): Value {
  const weighted = classWeights === undefined ? elements : mul(elements, classWeights);
  // select, not a product: an ignored element must not contribute even when its loss overflows
  const masked = counted === undefined ? weighted : select(less(0, counted), weighted, 0);
  return REDUCE[reduction](masked, counted);
}

const REDUCE: Readonly<Record<Reduction, (elements: Value, counted: Value | undefined) => Value>> = {
  none: (elements) => elements,
  sum: (elements) => reduceSum(elements),
  batchMean: (elements) => div(reduceSum(elements), elements.shape[0]!),
  mean: (elements, counted) =>
    counted === undefined ? mean(elements) : div(reduceSum(elements), max(reduceSum(counted), 1)),
};
