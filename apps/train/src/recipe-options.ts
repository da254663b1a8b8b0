import { UsageError } from "asl-cli";
import { effectiveNumberWeights } from "asl-core";
import { type Dataset, givesSoftTargets } from "asl-data";
import type { RecipeOptions } from "asl-training";
import { mixingOf } from "./augmentation.js";
import type { TrainOptions } from "./command.js";

/** What of a recipe depends on the pictures. */
export interface FromPictures {
  readonly classWeights: readonly number[] | null;
  readonly priors: readonly number[] | null;
}

/** The recipe that the options ask for; without `fromPictures` all but that. */
export function recipeOf(options: TrainOptions, fromPictures: Partial<FromPictures> = {}): RecipeOptions {
  const { epochs, scheduleEpochs, lr, weightDecay, gammaNeg, gammaPos, clip, detach, lossNumerics } = options;
  const { emaDecay, emaWarmUp, seed, loss, focalGamma, adaptiveRate, adaptiveGap, unannotated } = options;
  const { priorThreshold, likelihoodThreshold, accumulate, clipGradients, freezeEpochs, layerDecay } = options;
  if (unannotated === "selective" && options.priorModel === undefined) {
    throw new UsageError(
      "--unannotated selective needs --prior-model FILE: a checkpoint trained on these pictures with " +
        "--unannotated ignore, whose mean scores tell how frequent a class is",
    );
  }
  return {
    epochs,
    ...(scheduleEpochs === undefined ? {} : { scheduleEpochs }),
    learningRate: lr,
    weightDecay,
    accumulate,
    clipGradientNorm: clipGradients ?? null,
    freezeEpochs,
    layerDecay,
    loss,
    focalGamma,
    adaptiveRate,
    adaptiveGap,
    gammaNeg,
    gammaPos,
    clip,
    softTargets: givesSoftTargets(mixingOf(options)),
    detachFocusingWeight: detach,
    lossNumerics,
    unannotated,
    // found when the pictures are open
    priors: unannotated === "selective" ? [] : null,
    priorThreshold,
    likelihoodThreshold,
    emaDecay,
    emaWarmUp,
    seed,
    ...fromPictures,
  };
}

/** --class-weights: by the effective number of pictures with each class. */
export function classWeightsOf({ classWeights: beta }: TrainOptions, dataset: Dataset): readonly number[] | null {
  if (beta === undefined) return null;
  const counts = new Uint32Array(dataset.classes.length);
  for (const { labels } of dataset.items) for (const label of labels) counts[label]!++;
  return [...effectiveNumberWeights(counts, beta)];
}
