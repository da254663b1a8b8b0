import { writeCheckpoint } from "asl-checkpoint";
import { checkPlaceOf, formatTable, type OpenedModel, type Reporter, UsageError } from "asl-cli";
import { type CalibratedThreshold, type CalibrationGoal, calibrateThresholds } from "asl-core";
import { DEFAULT_THRESHOLD, type Predictions } from "asl-training";
import type { ValidateOptions } from "./command.js";

export interface Calibration {
  /** "the highest F1 on 800 pictures". */
  readonly description: string;
  readonly thresholds: readonly number[];
  /** Of classes without positives. */
  readonly defaultThreshold: number;
  readonly classNames: readonly string[];
  readonly classes: readonly CalibratedThreshold[];
}

/** Found out before the network runs. Throws UsageError or InputError. */
export async function checkCalibration(options: ValidateOptions): Promise<void> {
  const { calibrate: goal, saveModel, model, classesShared } = options;
  if (goal !== undefined && classesShared === true) {
    throw new UsageError(
      "--calibrate needs a threshold for every class of the model: it goes without --classes-shared",
    );
  }
  if (saveModel === undefined) return;
  if (goal === undefined || model === undefined) throw new UsageError("--save-model goes with --calibrate and --model");
  await checkPlaceOf(saveModel);
}

/** A threshold for each class, from the predictions. */
export function calibrate(
  { classNames, pictures, scores, targets }: Predictions,
  goal: CalibrationGoal,
  defaultThreshold = DEFAULT_THRESHOLD,
): Calibration {
  const shape = [pictures.length, classNames.length] as const;
  const classes = calibrateThresholds(scores, targets, shape, goal, defaultThreshold);
  const what = goal.kind === "f1" ? "the highest F1" : `a precision of ${goal.precision}`;
  return {
    description: `${what} on ${pictures.length} pictures`,
    thresholds: classes.map(({ threshold }) => threshold),
    ...{ defaultThreshold, classNames, classes },
  };
}

export function calibrationAsJson({ description, defaultThreshold, classNames, classes }: Calibration) {
  return {
    description,
    defaultThreshold,
    classes: Object.fromEntries(classNames.map((name, index) => [name, classes[index]!])),
  };
}

export function calibrationAsText({ description, defaultThreshold, classNames, classes }: Calibration): string {
  const notes = {
    calibrated: "",
    noPositives: `no positives: the default, ${defaultThreshold}`,
    unreachable: "no threshold gives this precision: never predicted",
  };
  const table = formatTable(
    ["class", "threshold", "precision", "recall", "F1", "positives", ""],
    classNames.map((name, index) => {
      const { threshold, precision, recall, f1, positives, outcome } = classes[index]!;
      const percents = [precision, recall, f1].map((value) => value.toFixed(2));
      return [name, threshold.toFixed(4), ...percents, String(positives), notes[outcome]];
    }),
    [1, 2, 3, 4, 5],
  );
  return `Thresholds calibrated for ${description}; the figures are of the same pictures, so others will do a little worse\n\n${table}`;
}

/** Writes the checkpoint again with the thresholds in its metadata: over the old one, as a whole or not at all. */
export async function storeThresholds(
  { thresholds, description }: Calibration,
  opened: OpenedModel | undefined,
  { saveModel, model, classes }: ValidateOptions,
  report: Reporter,
): Promise<void> {
  const own = opened?.metadata ?? null;
  const file = saveModel ?? (own === null ? undefined : model);
  if (opened === undefined || file === undefined) {
    report.warn(
      opened === undefined
        ? "the thresholds are in no checkpoint: saved predictions have none (--model and --data store them)"
        : `${opened.file} was not written by asl-train, so it is left as it is; --save-model FILE writes it with the thresholds`,
    );
    return;
  }
  if (saveModel === undefined && classes !== undefined) {
    report.note(`${file}: gets the class names of --classes, too`);
  }
  const { architecture, classNames, imageSize, resizeFilter, state } = opened;
  await writeCheckpoint(file, {
    tensors: state,
    metadata: {
      ...(own ?? { recipe: {}, step: 0, epoch: 0, metrics: {}, weights: "regular", imageSize, resizeFilter }),
      model: { ...architecture, numClasses: classNames.length },
      ...{ classNames, thresholds, calibration: description },
    },
  });
  report.note(`${file}: has the thresholds now; infer and export use them`);
}
