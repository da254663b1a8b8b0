import { type MeanAveragePrecision, meanAveragePrecision, type PrecisionRecall, precisionRecall } from "asl-core";
import { checkPredictionSizes, type Predictions } from "./predictions.js";

/** What a validation prints; percent throughout. */
export interface ValidationReport {
  /** Mean AP over all classes; a class without positives counts 0. */
  readonly mAP: number;
  /** Mean AP over the classes that have positives. */
  readonly mAPPresent: number;
  readonly CP: number;
  readonly CR: number;
  /** Mean of the classes' F1. */
  readonly CF1: number;
  /** F1 of CP and CR. */
  readonly CF1OfMeans: number;
  readonly OP: number;
  readonly OR: number;
  readonly OF1: number;
  /** One, or one per class. */
  readonly threshold: number | readonly number[];
  readonly images: number;
  /** AP by class name. */
  readonly classes: Readonly<Record<string, number>>;
  /** Positives by class name. */
  readonly positives: Readonly<Record<string, number>>;
}

/** The threshold of the official scripts, where nobody names another. */
export const DEFAULT_THRESHOLD = 0.8;

/** All metrics of predictions at a threshold (score > threshold), or one threshold per class. */
export function validationReport(predictions: Predictions, threshold: number | readonly number[]): ValidationReport {
  checkPredictionSizes(predictions);
  const { classNames, pictures, scores, targets } = predictions;
  const shape = [pictures.length, classNames.length] as const;
  const ap = meanAveragePrecision(scores, targets, shape);
  const decided =
    typeof threshold === "number"
      ? precisionRecall(scores, targets, shape, threshold)
      : precisionRecall(decisions(scores, threshold), targets, shape, 0);
  return reportOf(ap, decided, { classNames, threshold, images: pictures.length });
}

/** A report from its parts. */
export function reportOf(
  { mAP, mAPPresent, perClass, positives }: MeanAveragePrecision,
  decided: PrecisionRecall,
  { classNames, threshold, images }: Pick<ValidationReport, "threshold" | "images"> & Pick<Predictions, "classNames">,
): ValidationReport {
  const byName = (values: readonly number[]) =>
    Object.fromEntries(classNames.map((name, index) => [name, values[index]!]));
  return { mAP, mAPPresent, ...decided, threshold, images, classes: byName(perClass), positives: byName(positives) };
}

/** 1 where a score is above the threshold of its class. */
function decisions(scores: Float32Array, thresholds: readonly number[]): Float32Array {
  return scores.map((score, index) => (score > thresholds[index % thresholds.length]! ? 1 : 0));
}

/** The threshold, in steps of 0.01, with the highest CF1 (the highest of equals): a first choice for a new model. */
export function bestThreshold({ classNames, pictures, scores, targets }: Predictions): number {
  const shape = [pictures.length, classNames.length] as const;
  const cf1At = (hundredths: number) => precisionRecall(scores, targets, shape, hundredths / 100).CF1;
  const best = (candidates: readonly number[]) =>
    candidates.map((at) => ({ at, cf1: cf1At(at) })).reduce((a, b) => (b.cf1 >= a.cf1 ? b : a)).at;
  const coarse = best(Array.from({ length: 19 }, (_, i) => 5 * (i + 1)));
  return best(Array.from({ length: 9 }, (_, i) => coarse - 4 + i)) / 100;
}
