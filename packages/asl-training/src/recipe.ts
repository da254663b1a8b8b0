import { ADAM_DEFAULTS, InputError } from "asl-core";

export type LossNumerics = "exact" | "native";

/**
 * The ladder of losses: binary cross-entropy; focal loss (`focalGamma` for both sides); asymmetric loss (`gammaNeg`,
 * `gammaPos`, `clip`); the same whose gammaNeg starts there and adapts from step to step.
 */
export const LOSSES = ["bce", "focal", "asl", "asl-adaptive"] as const;
export type LossName = (typeof LOSSES)[number];

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
  /** Epochs at the beginning in which the head alone is trained, on a backbone with its own running statistics. */
  readonly freezeEpochs: number;
  /** Factor of the learning rate for each stage away from the head: layer4 has this, layer3 its square, ... */
  readonly layerDecay: number;
  /** Batches whose gradients are summed for a step. */
  readonly accumulate: number;
  /** Largest norm of all gradients together; null: any. */
  readonly clipGradientNorm: number | null;
  readonly loss: LossName;
  /** Of the focal loss. */
  readonly focalGamma: number;
  /** Of the adaptive asymmetric loss: step size of the update of gammaNeg, and the wanted pPlus - pMinus. */
  readonly adaptiveRate: number;
  readonly adaptiveGap: number;
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
  /**
   * What a target of -1 (a class that nobody looked for) means to the loss: nothing; that it is not there; or
   * (selective) that it is not there unless it is likely: its prior or its probability exceeds a threshold.
   */
  readonly unannotated: "ignore" | "negative" | "selective";
  /** Frequency of each class, estimated; for unannotated "selective". */
  readonly priors: readonly number[] | null;
  readonly priorThreshold: number;
  readonly likelihoodThreshold: number;
  /** Factor of each class in the loss; null: all 1. */
  readonly classWeights: readonly number[] | null;
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
  freezeEpochs: 0,
  layerDecay: 1,
  accumulate: 1,
  clipGradientNorm: null,
  loss: "asl",
  focalGamma: 2,
  adaptiveRate: 0.02,
  adaptiveGap: 0.1,
  gammaNeg: 4,
  gammaPos: 0,
  clip: 0.05,
  detachFocusingWeight: true,
  lossNumerics: "exact",
  softTargets: false,
  unannotated: "ignore",
  priors: null,
  priorThreshold: 0.5,
  likelihoodThreshold: 0.5,
  classWeights: null,
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
  check(recipe, "freezeEpochs", "a whole number from 0 on", (value) => value === 0 || natural(value));
  check(recipe, "layerDecay", "above 0, at most 1", (value) => value > 0 && value <= 1);
  check(recipe, "accumulate", "a whole number from 1 on", natural);
  check(recipe, "clipGradientNorm", "a number above 0", (value) => value === null || (notNegative(value) && value > 0));
  check(recipe, "loss", LOSSES.join(", "), (value) => LOSSES.includes(value));
  check(recipe, "focalGamma", "a number from 0 on", notNegative);
  check(recipe, "adaptiveRate", "a number from 0 on", notNegative);
  check(recipe, "adaptiveGap", "from -1 to 1", (value) => Math.abs(value) <= 1);
  const modes = ["ignore", "negative", "selective"];
  check(recipe, "unannotated", modes.join(", "), (mode) => modes.includes(mode));
  const selective = recipe.unannotated === "selective";
  check(recipe, "priors", 'given for unannotated "selective"', (priors) => priors !== null || !selective);
  check(recipe, "priorThreshold", "a number from 0 on", notNegative);
  check(recipe, "likelihoodThreshold", "a number from 0 on", notNegative);
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
