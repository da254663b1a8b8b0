import { InputError } from "../errors/errors.js";
import { checkPredictions, type MatrixShape, POSITIVE, type Scores, UNANNOTATED } from "./predictions.js";

/** Precision P, recall R and F1 = 2PR / (P + R), averaged over classes (C) and over all decisions (O); in percent. */
export interface PrecisionRecall {
  /** Mean over all classes of the class's precision. */
  readonly CP: number;
  /** Mean over all classes of the class's recall. */
  readonly CR: number;
  /** Mean over all classes of the class's F1. */
  readonly CF1: number;
  /** F1 of the two means CP and CR, the form most papers print. */
  readonly CF1OfMeans: number;
  /** Precision of all decisions together. */
  readonly OP: number;
  /** Recall of all decisions together. */
  readonly OR: number;
  /** F1 of OP and OR. */
  readonly OF1: number;
}

export interface DecisionOptions {
  /** Only the K highest scores of a row can be predicted (ties by index); 3 for the "top-3" columns of papers. */
  readonly topK?: number;
}

/**
 * Precision, recall and F1, in percent, of the decisions `score > threshold`; with `topK`, of those among the topK
 * highest of their row (threshold -Infinity for the topK alone). A quotient 0 / 0 counts 0.
 * `scores` and `targets` are row-major [rows, classes]; targets 1, 0, or -1 for "not annotated", which is not counted
 * and takes none of the topK places.
 * Throws NonFiniteError (row, class) for a NaN or infinite score; InputError for anything else that does not fit.
 */
export function precisionRecall(
  scores: Scores,
  targets: ArrayLike<number>,
  shape: MatrixShape,
  threshold: number,
  { topK }: DecisionOptions = {},
): PrecisionRecall {
  checkPredictions(scores, targets, shape);
  if (Number.isNaN(threshold)) throw new InputError("precisionRecall: the threshold is NaN");
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw new InputError(`precisionRecall: topK must be an integer >= 1; got ${topK}`);
  }
  const [rows, classes] = shape;
  const counts = Array.from({ length: classes }, (): DecisionCounts => ({ hits: 0, predicted: 0, positives: 0 }));
  for (let row = 0; row < rows; row++) {
    const annotated = counts.map((_, column) => column).filter((c) => targets[row * classes + c] !== UNANNOTATED);
    for (const c of annotated) if (targets[row * classes + c] === POSITIVE) counts[c]!.positives++;
    for (const c of highest(scores, row * classes, annotated, topK)) {
      if (!(scores[row * classes + c]! > threshold)) continue;
      counts[c]!.predicted++;
      if (targets[row * classes + c] === POSITIVE) counts[c]!.hits++;
    }
  }
  return summariseDecisions(counts);
}

/** Decisions about one class. */
export interface DecisionCounts {
  /** Predicted positives. */
  hits: number;
  predicted: number;
  positives: number;
}

function highest(scores: Scores, start: number, columns: number[], topK: number | undefined): number[] {
  if (topK === undefined || columns.length <= topK) return columns;
  return columns.sort((a, b) => scores[start + b]! - scores[start + a]! || a - b).slice(0, topK);
}

/** The figures of `precisionRecall` from what was counted for each class. */
export function summariseDecisions(counts: readonly Readonly<DecisionCounts>[]): PrecisionRecall {
  const total = (key: keyof DecisionCounts) => counts.reduce((sum, count) => sum + count[key], 0);
  const meanOver = (value: (count: DecisionCounts) => number) =>
    ratio(
      counts.reduce((sum, count) => sum + value(count), 0),
      counts.length,
    );
  const precision = ({ hits, predicted }: DecisionCounts) => ratio(hits, predicted);
  const recall = ({ hits, positives }: DecisionCounts) => ratio(hits, positives);
  const overall = { hits: total("hits"), predicted: total("predicted"), positives: total("positives") };
  const CP = meanOver(precision);
  const CR = meanOver(recall);
  return {
    CP: 100 * CP,
    CR: 100 * CR,
    CF1: 100 * meanOver((count) => harmonicMean(precision(count), recall(count))),
    CF1OfMeans: 100 * harmonicMean(CP, CR),
    OP: 100 * precision(overall),
    OR: 100 * recall(overall),
    OF1: 100 * harmonicMean(precision(overall), recall(overall)),
  };
}

const ratio = (a: number, b: number) => (b === 0 ? 0 : a / b);
const harmonicMean = (p: number, r: number) => ratio(2 * p * r, p + r);
