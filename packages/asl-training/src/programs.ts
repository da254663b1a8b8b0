import {
  ADAM_GROUP,
  accumulateProgram,
  type BatchShape,
  checkImageSize,
  evaluateProgram,
  InputError,
  type Model,
  type Program,
  probabilityBalance,
  type StateSpec,
  trainingState,
  trainProgram,
} from "asl-core";
import { distanceFromHead, isHead } from "./layers.js";
import type { TrainingRecipe } from "./recipe.js";
import { recipeLoss } from "./recipe-loss.js";
import { THAWED_GROUP } from "./schedule.js";

/**
 * `train`: a step, or the last batch of one; `accumulate`: the batches before it; the same for the head alone; and
 * scores from the weights and from their moving average.
 */
export type TrainingProgramName = "train" | "accumulate" | "trainHead" | "accumulateHead" | "evaluate" | "evaluateEma";

export interface TrainingPrograms {
  readonly state: StateSpec;
  /** Those that the recipe needs: `accumulate...` and `...Head` are there only if it has such steps. */
  readonly programs: Readonly<Record<TrainingProgramName, Program>>;
}

export interface ProgramOptions {
  /** Another form of the same network for the two evaluations, such as one with exact numerics. */
  readonly evaluated?: Model;
  /** Whether targets may be -1, which costs the loss a mask. Default false. */
  readonly partial?: boolean;
}

/** The programs of a training run over one state. Throws InputError for an image size that does not fit. */
export function trainingPrograms(
  model: Model,
  recipe: TrainingRecipe,
  shape: BatchShape,
  { evaluated = model, partial = false }: ProgramOptions = {},
): TrainingPrograms {
  checkImageSize(shape.imageSize);
  checkPerClass("classWeights", recipe.classWeights, model.classes);
  checkPerClass("priors", recipe.priors, model.classes);
  const { accumulate, freezeEpochs, layerDecay, clipGradientNorm } = recipe;
  const accumulates = accumulate > 1;
  const forward = {
    ...shape,
    model,
    loss: recipeLoss(recipe, partial),
    report: (...[logits, targets]: Parameters<typeof probabilityBalance>) => ({
      ...probabilityBalance(logits, targets),
    }),
  };
  const step = {
    ...forward,
    adam: { beta2: recipe.beta2, epsilon: recipe.adamEpsilon, weightDecay: recipe.weightDecay },
    accumulated: accumulates,
    ...(clipGradientNorm === null ? {} : { clipGradientNorm }),
    ...(layerDecay === 1 ? {} : { learningRateScale: (name: string) => layerDecay ** distanceFromHead(name) }),
  };
  const ofHead = { isTrained: isHead };
  const grouped = freezeEpochs === 0 ? {} : { adamGroup: (name: string) => (isHead(name) ? ADAM_GROUP : THAWED_GROUP) };
  const programs: Partial<Record<TrainingProgramName, Program>> = {
    train: trainProgram({ ...step, ...grouped }),
    ...(accumulates ? { accumulate: accumulateProgram(forward) } : {}),
    ...(freezeEpochs > 0 ? { trainHead: trainProgram({ ...step, ...ofHead }) } : {}),
    ...(freezeEpochs > 0 && accumulates ? { accumulateHead: accumulateProgram({ ...forward, ...ofHead }) } : {}),
    evaluate: evaluateProgram({ ...shape, model: evaluated, weights: "live" }),
    evaluateEma: evaluateProgram({ ...shape, model: evaluated, weights: "ema" }),
  };
  // what is left out is never run: the steps ask the same recipe
  return { state: trainingState(model, { accumulates }), programs: programs as Record<TrainingProgramName, Program> };
}

function checkPerClass(field: "classWeights" | "priors", values: readonly number[] | null, classes: number): void {
  if (values === null) return;
  const bad = values.findIndex((value) => !(Number.isFinite(value) && value >= 0));
  if (values.length !== classes || bad >= 0) {
    const found = bad < 0 ? `${values.length} numbers` : `${values[bad]} for class ${bad}`;
    throw new InputError(`recipe: ${field} must be ${classes} numbers from 0 on, one for each class; got ${found}`);
  }
}
