import { InputError } from "../errors/errors.js";
import { createRandom } from "../random/random.js";
import { EPSILON } from "./average-precision.js";
import { checkPredictions, type MatrixShape, POSITIVE, type Scores } from "./predictions.js";
import { ColumnRanking, copyColumn } from "./ranking.js";

export interface BootstrapOptions {
  /** Resamples; 1000 gives the ends of a 95 % interval to about a tenth of its width. */
  readonly resamples?: number;
  readonly seed?: number;
}

export const BOOTSTRAP_DEFAULTS = { resamples: 1000, seed: 0 } as const;

/**
 * How often each row is in each of `resamples` samples of `rows` rows drawn with replacement: row-major
 * [resamples, rows]. The same seed gives the same samples, so that two models are compared on the same ones.
 */
export function resampleWeights(rows: number, options: BootstrapOptions = {}): readonly Uint16Array[] {
  const { resamples, seed } = { ...BOOTSTRAP_DEFAULTS, ...options };
  if (!Number.isSafeInteger(resamples) || resamples < 2) {
    throw new InputError(`bootstrap: resamples must be a whole number from 2 on; got ${resamples}`);
  }
  return Array.from({ length: resamples }, (_, sample) => {
    const random = createRandom(seed, `bootstrap/${sample}`);
    const weights = new Uint16Array(rows);
    for (let i = 0; i < rows; i++) weights[random.integer(rows)]!++;
    return weights;
  });
}

/** A class's rows, best first, as it is needed for weighing them again and again. */
export interface RankedClass {
  readonly rows: Uint32Array;
  /** 1 where the row is a positive. */
  readonly positive: Uint8Array;
  readonly positives: number;
}

/** Ranks every class once. Arguments and errors as `meanAveragePrecision`. */
export function rankClasses(scores: Scores, targets: ArrayLike<number>, shape: MatrixShape): readonly RankedClass[] {
  checkPredictions(scores, targets, shape);
  const [rows, columns] = shape;
  const ranking = new ColumnRanking(rows);
  const columnScores = scores instanceof Float32Array ? new Float32Array(rows) : new Float64Array(rows);
  const columnTargets = new Int8Array(rows);
  return Array.from({ length: columns }, (_, column) => {
    copyColumn(targets, column, columns, columnTargets);
    const ranked = ranking.rank(copyColumn(scores, column, columns, columnScores), columnTargets).slice();
    const positive = Uint8Array.from(ranked, (row) => Number(columnTargets[row] === POSITIVE));
    return { rows: ranked, positive, positives: positive.reduce((sum, each) => sum + each, 0) };
  });
}

/**
 * AP of one class, in [0, 1], where row r counts weights[r] times; null when no positive is left. It is the AP of the
 * resampled rows in their old order: copies of a row follow each other, so nothing is sorted again.
 */
export function weightedAveragePrecision({ rows, positive }: RankedClass, weights: ArrayLike<number>): number | null {
  let rank = 0;
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    const copies = weights[rows[i]!]!;
    if (positive[i] === 0) {
      rank += copies;
      continue;
    }
    for (let copy = 0; copy < copies; copy++) sum += ++positives / ++rank;
  }
  return positives === 0 ? null : sum / (positives + EPSILON);
}

/** AP of one class, in percent, in each resample; NaN where none of its positives was drawn. */
export function resampledAveragePrecision(ranked: RankedClass, weights: readonly Uint16Array[]): Float64Array {
  return Float64Array.from(weights, (sample) => {
    const precision = weightedAveragePrecision(ranked, sample);
    return precision === null ? Number.NaN : 100 * precision;
  });
}

/**
 * mAP in percent of each resample, from `resampledAveragePrecision` of every class. A class that has positives, but
 * none in a resample, is left out of that resample's mean (0 would say that the model failed on it); one without any
 * positives counts 0, as in mAP itself.
 */
export function resampledMean(perClass: readonly Float64Array[], classes: readonly RankedClass[]): Float64Array {
  const present = perClass.filter((_, index) => classes[index]!.positives > 0);
  const share = classes.length === 0 ? 0 : present.length / classes.length;
  return Float64Array.from(perClass[0] ?? [], (_, sample) => {
    const precisions = present.map((values) => values[sample]!).filter((value) => !Number.isNaN(value));
    if (precisions.length === 0) return 0;
    return (share * precisions.reduce((sum, each) => sum + each, 0)) / precisions.length;
  });
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The percentile interval that holds `confidence` of the values (linear between order statistics; NaN left out). */
export function percentileInterval(values: ArrayLike<number>, confidence = 0.95): Interval {
  if (!(confidence > 0 && confidence < 1)) {
    throw new InputError(`interval: confidence must be above 0 and below 1; got ${confidence}`);
  }
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  if (sorted.length === 0) throw new InputError("interval: no values");
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
  };
  return { low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) };
}

/**
 * Two-sided p value of "no difference" from bootstrapped differences: twice the smaller share of resamples on the far
 * side of 0, where the data themselves count as one resample, so that it is never 0.
 */
export function bootstrapPValue(differences: ArrayLike<number>): number {
  const values = Array.from(differences);
  const share = (side: (value: number) => boolean) => (1 + values.filter(side).length) / (1 + values.length);
  return Math.min(
    1,
    2 *
      Math.min(
        share((value) => value <= 0),
        share((value) => value >= 0),
      ),
  );
}
