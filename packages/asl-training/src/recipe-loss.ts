import {
  type AsymmetricLossOptions,
  asymmetricLossOptimized,
  exactAsymmetricLoss,
  f32,
  scalar,
  type Tensors,
  type Value,
} from "asl-core";
import type { LossNumerics, TrainingRecipe } from "./recipe.js";

const LOSS = { exact: exactAsymmetricLoss, native: asymmetricLossOptimized } satisfies Record<LossNumerics, unknown>;

const GAMMA_NEG = "loss.gamma_neg";

export const isAdaptive = ({ loss }: TrainingRecipe): boolean => loss === "asl-adaptive";

/** Feeds of the loss; `gammaNeg` of this step counts when it adapts. */
export const lossFeeds = (recipe: TrainingRecipe, gammaNeg: number): Tensors =>
  isAdaptive(recipe) ? { [GAMMA_NEG]: scalar(gammaNeg) } : {};

/** The loss of a recipe; `partial`: targets may be -1. logits, targets: [batch, classes]. */
export function recipeLoss(recipe: TrainingRecipe, partial: boolean): (logits: Value, targets: Value) => Value {
  const { detachFocusingWeight, softTargets, classWeights, lossNumerics } = recipe;
  return (logits, targets) => {
    const { builder } = logits;
    const perClass = (values: readonly number[]) => builder.constant(f32([values.length], Float32Array.from(values)));
    return LOSS[lossNumerics](logits, targets, {
      ...focusing(recipe, logits),
      detachFocusingWeight,
      targets: softTargets ? "soft" : "hard",
      ...(classWeights === null ? {} : { classWeights: perClass(classWeights) }),
      ...(partial ? { unannotated: unannotatedOf(recipe, perClass) } : {}),
    });
  };
}

function focusing(
  { loss, focalGamma, gammaNeg, gammaPos, clip }: TrainingRecipe,
  logits: Value,
): Pick<AsymmetricLossOptions, "gammaNeg" | "gammaPos" | "clip"> {
  switch (loss) {
    case "bce":
      return { gammaNeg: 0, gammaPos: 0, clip: 0 };
    case "focal":
      return { gammaNeg: focalGamma, gammaPos: focalGamma, clip: 0 };
    case "asl":
      return { gammaNeg, gammaPos, clip };
    case "asl-adaptive":
      return { gammaNeg: logits.builder.input(GAMMA_NEG, { dtype: "f32", shape: [] }), gammaPos, clip };
  }
}

function unannotatedOf(
  { unannotated, priors, priorThreshold, likelihoodThreshold }: TrainingRecipe,
  perClass: (values: readonly number[]) => Value,
): NonNullable<AsymmetricLossOptions["unannotated"]> {
  if (unannotated !== "selective") return { mode: unannotated };
  return { mode: unannotated, prior: perClass(priors ?? []), priorThreshold, likelihoodThreshold };
}
