import {
  asymmetricLossOptimized,
  type BatchShape,
  checkImageSize,
  evaluateProgram,
  type Model,
  type Program,
  type StateSpec,
  trainingState,
  trainProgram,
} from "asl-core";
import type { TrainingRecipe } from "./recipe.js";

export type TrainingProgramName = "train" | "evaluate" | "evaluateEma";

export interface TrainingPrograms {
  readonly state: StateSpec;
  readonly programs: Readonly<Record<TrainingProgramName, Program>>;
}

/** The three programs of a training run over one state. Throws InputError for an image size that does not fit. */
export function trainingPrograms(model: Model, recipe: TrainingRecipe, shape: BatchShape): TrainingPrograms {
  checkImageSize(shape.imageSize);
  const { gammaNeg, gammaPos, clip, detachFocusingWeight } = recipe;
  return {
    state: trainingState(model),
    programs: {
      train: trainProgram({
        ...shape,
        model,
        adam: { beta2: recipe.beta2, epsilon: recipe.adamEpsilon, weightDecay: recipe.weightDecay },
        loss: (logits, targets) =>
          asymmetricLossOptimized(logits, targets, { gammaNeg, gammaPos, clip, detachFocusingWeight, targets: "hard" }),
      }),
      evaluate: evaluateProgram({ ...shape, model, weights: "live" }),
      evaluateEma: evaluateProgram({ ...shape, model, weights: "ema" }),
    },
  };
}
