import {
  asymmetricLossOptimized,
  type BatchShape,
  checkImageSize,
  evaluateProgram,
  exactAsymmetricLoss,
  type Model,
  type Program,
  type StateSpec,
  trainingState,
  trainProgram,
} from "asl-core";
import type { LossNumerics, TrainingRecipe } from "./recipe.js";

export type TrainingProgramName = "train" | "evaluate" | "evaluateEma";

export interface TrainingPrograms {
  readonly state: StateSpec;
  readonly programs: Readonly<Record<TrainingProgramName, Program>>;
}

const LOSS = { exact: exactAsymmetricLoss, native: asymmetricLossOptimized } satisfies Record<LossNumerics, unknown>;

export interface ProgramOptions {
  /** Another form of the same network for the two evaluations, such as one with exact numerics. */
  readonly evaluated?: Model;
  /** Whether targets may be -1, which costs the loss a mask. Default false. */
  readonly partial?: boolean;
}

/** The three programs of a training run over one state. Throws InputError for an image size that does not fit. */
export function trainingPrograms(
  model: Model,
  recipe: TrainingRecipe,
  shape: BatchShape,
  { evaluated = model, partial = false }: ProgramOptions = {},
): TrainingPrograms {
  checkImageSize(shape.imageSize);
  const { gammaNeg, gammaPos, clip, detachFocusingWeight, lossNumerics } = recipe;
  const kind = recipe.softTargets ? "soft" : "hard";
  const unannotated = partial ? { unannotated: { mode: recipe.unannotated } } : {};
  return {
    state: trainingState(model),
    programs: {
      train: trainProgram({
        ...shape,
        model,
        adam: { beta2: recipe.beta2, epsilon: recipe.adamEpsilon, weightDecay: recipe.weightDecay },
        loss: (logits, targets) =>
          LOSS[lossNumerics](logits, targets, {
            gammaNeg,
            gammaPos,
            clip,
            detachFocusingWeight,
            targets: kind,
            ...unannotated,
          }),
      }),
      evaluate: evaluateProgram({ ...shape, model: evaluated, weights: "live" }),
      evaluateEma: evaluateProgram({ ...shape, model: evaluated, weights: "ema" }),
    },
  };
}
