import type { JsonObject } from "asl-checkpoint";
import { type Backend, InputError, type NetworkOptions, type Tensors, type TresnetConfig } from "asl-core";
import type { Loader } from "asl-data";
import type { BestEvaluation } from "./progress.js";
import type { RecipeOptions } from "./recipe.js";
import type { ValidationReport } from "./validation-report.js";

export interface TrainingOptions {
  readonly backend: Backend;
  readonly model: TresnetConfig;
  /** Weights to start from, by name; what is not given starts as the model says. */
  readonly weights?: Tensors;
  /** Training pictures, shuffled and augmented, with the same number of pictures in every batch (lastBatch "drop"). */
  readonly training: Loader;
  /** Validation pictures in their own order (lastBatch "pad"), with the same classes and batch size. */
  readonly validation?: Loader;
  /** Rows of every batch of both loaders. */
  readonly batchSize: number;
  /** Height and width in pixels of both loaders' pictures. */
  readonly imageSize: number;
  /** How the loaders resize; goes into the checkpoints. */
  readonly resizeFilter: "bilinear" | "bicubic";
  readonly recipe: RecipeOptions;
  /** Of the network that scores the validation pictures; the training step's network is native. Default native. */
  readonly evaluationNumerics?: NetworkOptions["numerics"];
  /** More that decides the result and that this package does not see (augmentation, data); must be equal on resuming. */
  readonly dataDescription?: JsonObject;
  /** The folder of the run; made when it is not there. */
  readonly out: string;
  /** Go on from the folder's snapshot; from the beginning when it has none. Default false: such a folder is refused. */
  readonly resume?: boolean;
  /** Steps between snapshots within an epoch. Default 200. */
  readonly snapshotEverySteps?: number;
  /** Stop when the mAP of the moving average has not improved in this many epochs. Needs `validation`. */
  readonly patience?: number;
  /** Finish the step, save a snapshot and return. */
  readonly signal?: AbortSignal;
  readonly onResume?: (from: { readonly epoch: number; readonly step: number }) => void;
  readonly onStep?: (report: StepReport) => void;
  readonly onEvaluation?: (report: { readonly epoch: number; readonly images: number; readonly total: number }) => void;
  readonly onEpoch?: (report: EpochReport) => void;
}

export interface StepReport {
  /** From 0. */
  readonly epoch: number;
  /** Position in the epoch, from 0, and how many there are. */
  readonly batch: number;
  readonly batches: number;
  /** Steps done since the beginning, this one included. */
  readonly step: number;
  /** The sum over the batch, as the official implementation reports it. */
  readonly loss: number;
  readonly learningRate: number;
  /** Focusing of negatives in this step. */
  readonly gammaNeg: number;
  /** Of training since the epoch (or its continuation) began. */
  readonly imagesPerSecond: number;
}

export interface EpochReport {
  /** From 1: epochs done. */
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  /** Mean over the epoch's steps. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  /** Null without validation pictures. */
  readonly regular: ValidationReport | null;
  readonly ema: ValidationReport | null;
  /** Which of the checkpoints this epoch has replaced. */
  readonly improved: { readonly regular: boolean; readonly ema: boolean };
}

export interface BestCheckpoint extends BestEvaluation {
  readonly file: string;
}

export interface TrainingResult {
  /** True when the signal stopped the run before its end. */
  readonly interrupted: boolean;
  /** True when patience stopped the run before its last epoch. */
  readonly stoppedEarly: boolean;
  /** Epochs done. */
  readonly epochs: number;
  readonly steps: number;
  /** All time, interruptions not counted. */
  readonly seconds: number;
  /** Of training alone. */
  readonly imagesPerSecond: number;
  readonly best: { readonly regular: BestCheckpoint | null; readonly ema: BestCheckpoint | null };
}

/** Throws InputError unless both loaders fit the model and each other. */
export function checkLoaders({ model, training, validation, recipe, patience }: TrainingOptions): void {
  const { accumulate = 1 } = recipe;
  if (patience !== undefined) {
    if (!Number.isSafeInteger(patience) || patience < 1) {
      throw new InputError(`training: patience must be a whole number from 1 on; got ${patience}`);
    }
    if (validation === undefined) throw new InputError("training: patience needs validation pictures");
  }
  if (training.batchesPerEpoch < 1) {
    throw new InputError(`training: ${training.itemCount} pictures do not fill one batch; choose a smaller batch size`);
  }
  if (training.batchesPerEpoch < accumulate) {
    throw new InputError(
      `training: an epoch has ${training.batchesPerEpoch} batches, which fill no step of ${accumulate}; accumulate fewer`,
    );
  }
  if (training.classes.length !== model.classes) {
    throw new InputError(`training: the pictures have ${training.classes.length} classes, the model ${model.classes}`);
  }
  if (validation === undefined) return;
  if (JSON.stringify(training.classes) !== JSON.stringify(validation.classes)) {
    const first = training.classes.findIndex((name, index) => name !== validation.classes[index]);
    const at = Math.max(first, 0);
    throw new InputError(
      "training: the validation pictures must have the classes of the training pictures, in the same order: " +
        `${training.classes.length} and ${validation.classes.length} classes, first difference at class ${at} ` +
        `("${training.classes[at]}" and "${validation.classes[at]}")`,
    );
  }
}
