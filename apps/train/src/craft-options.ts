import {
  type Command,
  existingFile,
  fraction,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from "asl-cli";
import { LOSSES, type LossName, RECIPE_DEFAULTS } from "asl-training";
import type { DataOptions } from "./data-options.js";
import { type SweepAxes, sweepAxes } from "./sweep-axes.js";

/** How steps are made and what they minimise. Written out: the checker cannot infer this many options. */
export type CraftOptions = DataOptions & {
  readonly loss: LossName;
  readonly focalGamma: number;
  readonly adaptiveRate: number;
  readonly adaptiveGap: number;
  readonly classWeights?: number | undefined;
  readonly priorModel?: string | undefined;
  readonly priorThreshold: number;
  readonly likelihoodThreshold: number;
  readonly accumulate: number;
  readonly clipGradients?: number | undefined;
  readonly freezeEpochs: number;
  readonly layerDecay: number;
  readonly patience?: number | undefined;
  readonly sweep?: SweepAxes | undefined;
};

export const withCraftOptions = (command: Command<[], DataOptions>): Command<[], CraftOptions> =>
  command
    .option(
      "--loss <name>",
      "bce, focal, asl (--gamma-neg, --gamma-pos, --clip), or asl-adaptive: gamma-neg starts there and adapts",
      oneOf(LOSSES),
      RECIPE_DEFAULTS.loss,
    )
    .option("--focal-gamma <power>", "with --loss focal", nonNegativeNumber, RECIPE_DEFAULTS.focalGamma)
    .option(
      "--adaptive-rate <rate>",
      "with --loss asl-adaptive: change of gamma-neg per step and missing gap",
      nonNegativeNumber,
      RECIPE_DEFAULTS.adaptiveRate,
    )
    .option(
      "--adaptive-gap <gap>",
      "with --loss asl-adaptive: wanted mean p of positives less mean 1 - p of negatives",
      fraction,
      RECIPE_DEFAULTS.adaptiveGap,
    )
    .option("--class-weights <beta>", "weigh classes by effective number: 0 (all alike) to below 1", fraction)
    .option(
      "--prior-model <file>",
      "checkpoint whose mean scores are the priors of --unannotated selective",
      existingFile,
    )
    .option(
      "--prior-threshold <frequency>",
      "with --unannotated selective: classes more frequent than this are ignored where not annotated",
      fraction,
      RECIPE_DEFAULTS.priorThreshold,
    )
    .option(
      "--likelihood-threshold <probability>",
      "with --unannotated selective: classes more probable than this are ignored where not annotated",
      fraction,
      RECIPE_DEFAULTS.likelihoodThreshold,
    )
    .option(
      "--accumulate <batches>",
      "batches whose gradients make a step",
      positiveInteger,
      RECIPE_DEFAULTS.accumulate,
    )
    .option("--clip-gradients <norm>", "largest norm of all gradients together", positiveNumber)
    .option("--freeze-epochs <count>", "train the head alone for so long", wholeNumber, RECIPE_DEFAULTS.freezeEpochs)
    .option(
      "--layer-decay <factor>",
      "of the learning rate for each stage away from the head",
      positiveNumber,
      RECIPE_DEFAULTS.layerDecay,
    )
    .option("--patience <epochs>", "stop when the mAP of the EMA has not improved for so long", positiveInteger)
    .option("--sweep <axes>", 'a run for each pair, ended by a table: "gamma-neg=2,4;clip=0,0.05"', sweepAxes);
