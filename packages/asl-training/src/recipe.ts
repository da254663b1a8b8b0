import { ADAM_DEFAULTS, adamFeeds, emaFeeds, InputError, oneCycle, type Tensors } from "asl-core";

export type LossNumerics = "exact" | "native";

/** All that decides how weights change, beside data, network and batch size. */
export interface TrainingRecipe {
  readonly epochs: number;
  /** Epochs that the one-cycle schedule is laid out for; training may stop before its end. */
  readonly scheduleEpochs: number;
  /** Peak of the one-cycle schedule. */
  readonly learningRate: number;
  /** Share of the steps in which the learning rate rises. */
  readonly risingShare: number;
  /** L2 coefficient of parameters with more than one dimension. */
  readonly weightDecay: number;
  readonly beta2: number;
  readonly adamEpsilon: number;
  readonly emaDecay: number;
  /** Starts the moving average at a shorter memory: decay min(emaDecay, (1 + step) / (10 + step)). */
  readonly emaWarmUp: boolean;
  readonly gammaNeg: number;
  readonly gammaPos: number;
  readonly clip: number;
  /** Treat the focusing weight as a constant in the gradient. */
  readonly detachFocusingWeight: boolean;
  /**
   * `exact`: `exactAsymmetricLoss`, the same bits from the same logits on every backend; `native`: the backend's own
   * exp, log and sum, a little faster.
   */
  readonly lossNumerics: LossNumerics;
  /** Targets may lie between 0 and 1 (MixUp); costs a little. */
  readonly softTargets: boolean;
  /** What a target of -1 (a class that nobody looked for) means to the loss: nothing, or that it is not there. */
  readonly unannotated: "ignore" | "negative";
  /** Of the starting weights. */
  readonly seed: number;
}

/** The recipe of the official implementation, except that the schedule ends with the training. */
export const RECIPE_DEFAULTS: Omit<TrainingRecipe, "epochs" | "scheduleEpochs"> = {
  learningRate: 1e-4,
  risingShare: 0.2,
  weightDecay: 1e-4,
  beta2: ADAM_DEFAULTS.beta2,
  adamEpsilon: ADAM_DEFAULTS.epsilon,
  emaDecay: 0.9997,
  emaWarmUp: true,
  gammaNeg: 4,
  gammaPos: 0,
  clip: 0.05,
  detachFocusingWeight: true,
  lossNumerics: "exact",
  softTargets: false,
  unannotated: "ignore",
  seed: 0,
};

export type RecipeOptions = Pick<TrainingRecipe, "epochs"> & Partial<TrainingRecipe>;

/** Fills in defaults. Throws InputError naming the field, what is expected and what came. */
export function resolveRecipe(options: RecipeOptions): TrainingRecipe {
  const recipe: TrainingRecipe = { ...RECIPE_DEFAULTS, scheduleEpochs: options.epochs, ...options };
  const natural = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const notNegative = (value: number) => Number.isFinite(value) && value >= 0;
  const share = (value: number) => value >= 0 && value < 1;
  check(recipe, "epochs", "a whole number from 1 on", natural);
  check(recipe, "scheduleEpochs", `a whole number, at least epochs (${recipe.epochs})`, (value) => {
    return natural(value) && value >= recipe.epochs;
  });
  check(recipe, "learningRate", "a number above 0", (value) => notNegative(value) && value > 0);
  check(recipe, "risingShare", "from 0 to below 1", share);
  check(recipe, "weightDecay", "a number from 0 on", notNegative);
  check(recipe, "beta2", "from 0 to below 1", share);
  check(recipe, "adamEpsilon", "a number above 0", (value) => notNegative(value) && value > 0);
  check(recipe, "emaDecay", "from 0 to below 1", share);
  check(recipe, "gammaNeg", "a number from 0 on", notNegative);
  check(recipe, "gammaPos", "a number from 0 on", notNegative);
  check(recipe, "clip", "from 0 to below 1", share);
  check(recipe, "lossNumerics", '"exact" or "native"', (value) => value === "exact" || value === "native");
  check(recipe, "unannotated", '"ignore" or "negative"', (mode) => mode === "ignore" || mode === "negative");
  check(recipe, "seed", "a whole number", Number.isSafeInteger);
  return recipe;
}

function check<K extends keyof TrainingRecipe>(
  recipe: TrainingRecipe,
  field: K,
  expected: string,
  fits: (value: TrainingRecipe[K]) => boolean,
): void {
  if (!fits(recipe[field])) {
    throw new InputError(`recipe: ${field} must be ${expected}; got ${String(recipe[field])}`);
  }
}

export interface StepSchedule {
  readonly learningRate: number;
  readonly beta1: number;
  readonly emaDecay: number;
  /** The scalars that a train program takes beside images and targets. */
  readonly feeds: Tensors;
}

/** What changes from step to step; `step` counts from 0, computed in float64. */
export function scheduleAt(recipe: TrainingRecipe, step: number, stepsPerEpoch: number): StepSchedule {
  const { learningRate, beta1 } = oneCycle(step, {
    maxLearningRate: recipe.learningRate,
    totalSteps: recipe.scheduleEpochs * stepsPerEpoch,
    risingShare: recipe.risingShare,
  });
  const emaDecay = recipe.emaWarmUp ? Math.min(recipe.emaDecay, (1 + step) / (10 + step)) : recipe.emaDecay;
  return {
    learningRate,
    beta1,
    emaDecay,
    feeds: {
      ...adamFeeds({ learningRate, beta1, step: step + 1 }, { beta2: recipe.beta2 }),
      ...emaFeeds(emaDecay),
    },
  };
}
