import { setImmediate } from "node:timers/promises";
import {
  BOOTSTRAP_DEFAULTS,
  type BootstrapOptions,
  bootstrapPValue,
  InputError,
  type Interval,
  meanAveragePrecision,
  percentileInterval,
  rankClasses,
  resampledAveragePrecision,
  resampledMean,
  resampleWeights,
} from "asl-core";
import { checkPredictionSizes, type Predictions } from "./predictions.js";

export interface ConfidenceOptions extends BootstrapOptions {
  /** Share of the resamples inside the interval. Default 0.95. */
  readonly confidence?: number;
  /** Called with the number of classes done. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** An interval of mAP, in percent, and how it was made. */
export interface MeanAveragePrecisionInterval extends Interval {
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
}

/** Percentile bootstrap over pictures: what mAP could have been on another set of as many pictures. */
export async function mapInterval(
  predictions: Predictions,
  options: ConfidenceOptions = {},
): Promise<MeanAveragePrecisionInterval> {
  const { confidence = 0.95, seed, resamples } = { ...BOOTSTRAP_DEFAULTS, ...options };
  const { mean } = await resampled([predictions], options);
  return { ...percentileInterval(mean[0]!, confidence), confidence, resamples, seed };
}

/** Two sets of predictions of the same pictures; a difference is B - A, in percent. */
export interface Comparison {
  readonly images: number;
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  readonly interval: MeanAveragePrecisionInterval;
  /** Two-sided, of "no difference in mAP". */
  readonly pValue: number;
  readonly significant: boolean;
  /** One sentence. */
  readonly statement: string;
  readonly classes: readonly ClassComparison[];
}

export interface ClassComparison {
  readonly name: string;
  readonly positives: number;
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  /** Of the class alone, not corrected for the number of classes; null without positives. */
  readonly interval: Interval | null;
}

/**
 * Paired bootstrap: both are measured on the same resampled pictures, so that what makes pictures easy or hard for both
 * cancels out. `b` is brought into the order of `a` by the names of pictures and classes.
 * @throws InputError when pictures, classes or targets are not the same
 */
export async function comparePredictions(
  a: Predictions,
  b: Predictions,
  options: ConfidenceOptions = {},
): Promise<Comparison> {
  const { confidence = 0.95, seed, resamples } = { ...BOOTSTRAP_DEFAULTS, ...options };
  const aligned = alignPredictions(a, b);
  const { mean, perClass } = await resampled([a, aligned], options);
  const minus = (left: Float64Array, right: Float64Array) => left.map((value, index) => value - right[index]!);
  const differences = minus(mean[1]!, mean[0]!);
  const shape = [a.pictures.length, a.classNames.length] as const;
  const [apA, apB] = [a, aligned].map(({ scores, targets }) => meanAveragePrecision(scores, targets, shape));
  const interval = { ...percentileInterval(differences, confidence), confidence, resamples, seed };
  const pValue = bootstrapPValue(differences);
  const difference = apB!.mAP - apA!.mAP;
  const significant = interval.low > 0 || interval.high < 0;
  return {
    images: a.pictures.length,
    ...{ a: apA!.mAP, b: apB!.mAP, difference, interval, pValue, significant },
    statement: statementOf(difference, interval, pValue, significant),
    classes: a.classNames.map((name, index) => ({
      name,
      positives: apA!.positives[index]!,
      a: apA!.perClass[index]!,
      b: apB!.perClass[index]!,
      difference: apB!.perClass[index]! - apA!.perClass[index]!,
      interval:
        apA!.positives[index] === 0
          ? null
          : percentileInterval(minus(perClass[1]![index]!, perClass[0]![index]!), confidence),
    })),
  };
}

function statementOf(difference: number, interval: Interval & { confidence: number }, p: number, significant: boolean) {
  const level = `${Number((100 * (1 - interval.confidence)).toPrecision(3))} %`;
  const range = `${signed(interval.low)} to ${signed(interval.high)}`;
  if (!significant) {
    return `No significant difference at the ${level} level: the interval of B - A, ${range}, holds 0 (p = ${p.toPrecision(2)}).`;
  }
  const [better, worse] = difference > 0 ? ["B", "A"] : ["A", "B"];
  return `${better} is better than ${worse}: significant at the ${level} level, B - A is within ${range} (p = ${p.toPrecision(2)}).`;
}

const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;

/** AP of every class and mAP in each resample, for several predictions on the same resamples. */
async function resampled(all: readonly Predictions[], { onProgress, signal, ...options }: ConfidenceOptions) {
  const shape = [all[0]!.pictures.length, all[0]!.classNames.length] as const;
  const weights = resampleWeights(shape[0], options);
  const perClass: Float64Array[][] = [];
  const mean: Float64Array[] = [];
  for (const [index, predictions] of all.entries()) {
    checkPredictionSizes(predictions);
    const classes = rankClasses(predictions.scores, predictions.targets, shape);
    const values: Float64Array[] = [];
    for (const ranked of classes) {
      values.push(resampledAveragePrecision(ranked, weights));
      onProgress?.(index * shape[1] + values.length, all.length * shape[1]);
      await setImmediate(); // leaves the event loop to signals and timers
      signal?.throwIfAborted();
    }
    perClass.push(values);
    mean.push(resampledMean(values, classes));
  }
  return { perClass, mean };
}

/** `b` in the order of `a`'s pictures and classes. Throws InputError when they are not the same ones. */
function alignPredictions(a: Predictions, b: Predictions): Predictions {
  const rows = places("pictures", a.pictures, b.pictures);
  const columns = places("classes", a.classNames, b.classNames);
  const reorder = (matrix: Float32Array) => {
    const result = new Float32Array(matrix.length);
    let i = 0;
    for (const row of rows) for (const column of columns) result[i++] = matrix[row * columns.length + column]!;
    return result;
  };
  const targets = reorder(b.targets);
  const other = targets.findIndex((target, index) => target !== a.targets[index]);
  if (other >= 0) {
    const [row, column] = [Math.floor(other / columns.length), other % columns.length];
    throw new InputError(
      `comparison: the targets differ, first for picture "${a.pictures[row]}", class "${a.classNames[column]}": ` +
        `A has ${a.targets[other]}, B has ${targets[other]}. Both must be measured on the same labels`,
    );
  }
  return { ...b, pictures: a.pictures, classNames: a.classNames, targets, scores: reorder(b.scores) };
}

/** Where each name of `a` stands in `b`. */
function places(what: string, a: readonly string[], b: readonly string[]): Uint32Array {
  const place = new Map(b.map((name, index) => [name, index]));
  const missing = a.find((name) => !place.has(name));
  if (a.length === b.length && missing === undefined && place.size === b.length) {
    return Uint32Array.from(a, (name) => place.get(name)!);
  }
  // names that are there twice say nothing about the order
  if (a.join("\n") === b.join("\n")) return Uint32Array.from(a.keys());
  throw new InputError(
    `comparison: A has ${a.length} ${what}, B has ${b.length}${missing === undefined ? "" : `; "${missing}" is only in A`}. ` +
      "Both must be predictions for the same pictures and classes",
  );
}
