import { checkPredictions, type MatrixShape, POSITIVE, type Scores } from "./predictions.js";
import { ColumnRanking, copyColumn } from "./ranking.js";

/**
 * The official evaluation adds this to the number of positives. It moves AP by less than one part in 10^8, which the
 * published numbers carry, so ours carry it too: AP of a perfect ranking of one positive is 1 / (1 + 1e-8).
 */
export const EPSILON = 1e-8;

/**
 * Average precision of one class, in [0, 1]: the sum over the positives of the precision at their rank, divided by the
 * number of positives.
 *
 *   AP = 1 / (|P| + 1e-8) * sum over i in P of (positives ranked up to i) / rank(i)
 *
 * Scores fall; ties keep their index order. Targets: 1, 0, or -1 for "not annotated", which takes no part in the
 * ranking. Without a positive AP is 0. Throws NonFiniteError and InputError as `meanAveragePrecision` does, with the
 * example as row and class 0.
 */
export function averagePrecision(scores: ArrayLike<number>, targets: ArrayLike<number>): number {
  const column = scores instanceof Float32Array || scores instanceof Float64Array ? scores : Float64Array.from(scores);
  checkPredictions(column, targets, [column.length, 1]);
  return rankedPrecision(new ColumnRanking(column.length).rank(column, targets), targets).averagePrecision;
}

/** Everything in percent. */
export interface MeanAveragePrecision {
  /** Mean AP over all classes; a class without positives counts 0, as in the official evaluation. */
  readonly mAP: number;
  /** Mean AP over the classes that have positives; 0 when none has. */
  readonly mAPPresent: number;
  /** AP of each class; 0 without positives. */
  readonly perClass: readonly number[];
  /** Positives of each class. */
  readonly positives: readonly number[];
}

/**
 * Average precision of each class and its means, in percent. O(classes * rows log rows).
 * `scores` and `targets` are row-major [rows, classes]; targets 1, 0, or -1 for "not annotated".
 * Throws NonFiniteError (row, class) for a NaN or infinite score; InputError for lengths or targets that do not fit.
 */
export function meanAveragePrecision(
  scores: Scores,
  targets: ArrayLike<number>,
  shape: MatrixShape,
): MeanAveragePrecision {
  checkPredictions(scores, targets, shape);
  const [rows, columns] = shape;
  const ranking = new ColumnRanking(rows);
  const columnScores = scores instanceof Float32Array ? new Float32Array(rows) : new Float64Array(rows);
  const columnTargets = new Int8Array(rows);
  return meanOfClasses(
    Array.from({ length: columns }, (_, column) => {
      copyColumn(scores, column, columns, columnScores);
      copyColumn(targets, column, columns, columnTargets);
      return rankedPrecision(ranking.rank(columnScores, columnTargets), columnTargets);
    }),
  );
}

/** AP in [0, 1] and number of positives of one class. */
export interface RankedPrecision {
  readonly averagePrecision: number;
  readonly positives: number;
}

/** The classes together; AP in percent. */
export function meanOfClasses(classes: readonly RankedPrecision[]): MeanAveragePrecision {
  const perClass = classes.map((ranked) => 100 * ranked.averagePrecision);
  const positives = classes.map((ranked) => ranked.positives);
  return {
    mAP: mean(perClass),
    mAPPresent: mean(perClass.filter((_, column) => positives[column]! > 0)),
    perClass,
    positives,
  };
}

/** Average precision of one class from its rows, best first (`ColumnRanking`), and the targets of all rows. */
export function rankedPrecision(ranking: Uint32Array, targets: ArrayLike<number>): RankedPrecision {
  let positives = 0;
  let sum = 0;
  for (let before = 0; before < ranking.length; before++) {
    if (targets[ranking[before]!] !== POSITIVE) continue;
    positives++;
    sum += positives / (before + 1);
  }
  return { averagePrecision: sum / (positives + EPSILON), positives };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
