import { ADAM_GROUP, adamFeeds, emaFeeds, oneCycle, type Tensors } from "asl-core";
import type { TrainingRecipe } from "./recipe.js";

/** Adam's group of the parameters that are frozen at first: they count their own steps. */
export const THAWED_GROUP = "optimizer.thawed";

export interface StepSchedule {
  readonly learningRate: number;
  readonly beta1: number;
  readonly emaDecay: number;
  /** The scalars that a train program takes beside images and targets. */
  readonly feeds: Tensors;
}

/**
 * What changes from step to step; `step` counts from 0, computed in float64. `thawedStep`: the same count since the
 * backbone is trained; undefined while it is frozen, or when it never was.
 */
export function scheduleAt(
  recipe: TrainingRecipe,
  step: number,
  stepsPerEpoch: number,
  thawedStep?: number,
): StepSchedule {
  const { learningRate, beta1 } = oneCycle(step, {
    maxLearningRate: recipe.learningRate,
    totalSteps: recipe.scheduleEpochs * stepsPerEpoch,
    risingShare: recipe.risingShare,
  });
  const emaDecay = recipe.emaWarmUp ? Math.min(recipe.emaDecay, (1 + step) / (10 + step)) : recipe.emaDecay;
  const adamOf = (count: number, group: string) =>
    adamFeeds({ learningRate, beta1, step: count + 1 }, { beta2: recipe.beta2 }, group);
  return {
    learningRate,
    beta1,
    emaDecay,
    feeds: {
      ...adamOf(step, ADAM_GROUP),
      ...(thawedStep === undefined ? {} : adamOf(thawedStep, THAWED_GROUP)),
      ...emaFeeds(emaDecay),
    },
  };
}
