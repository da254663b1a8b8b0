import { InputError } from "../errors/errors.js";
import { checkPredictions, type MatrixShape, POSITIVE, type Scores } from "./predictions.js";
import { ColumnRanking, copyColumn } from "./ranking.js";

/** What a threshold is chosen for: the highest F1, or the most positives found at no less than this precision. */
export type CalibrationGoal = { readonly kind: "f1" } | { readonly kind: "precision"; readonly precision: number };

export interface CalibratedThreshold {
  /** A class is present above it; in [0, 1]. */
  readonly threshold: number;
  /**
   * `noPositives`: the class has none, the given default holds. `unreachable`: no threshold gives the precision asked
   * for, so the threshold is 1 and the class is never predicted.
   */
  readonly outcome: "calibrated" | "noPositives" | "unreachable";
  /** In percent, at the threshold, on the data it was chosen on. 0 / 0 counts 0. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly positives: number;
}

/**
 * One threshold per class for the decision `score > threshold`. Scores are probabilities in [0, 1], row-major
 * [rows, classes]; targets 1, 0, or -1 for "not annotated". Thresholds lie half-way between two neighbouring scores;
 * of equally good ones the highest is taken. Throws as `meanAveragePrecision`, and InputError for a score outside
 * [0, 1] or a goal or default that makes no sense.
 */
export function calibrateThresholds(
  scores: Scores,
  targets: ArrayLike<number>,
  shape: MatrixShape,
  goal: CalibrationGoal,
  defaultThreshold: number,
): readonly CalibratedThreshold[] {
  checkPredictions(scores, targets, shape);
  checkGoal(goal, defaultThreshold);
  const outside = scores.find((score) => score < 0 || score > 1);
  if (outside !== undefined) {
    throw new InputError(`calibration: scores must be probabilities from 0 to 1; found ${outside}`);
  }
  const [rows, columns] = shape;
  const ranking = new ColumnRanking(rows);
  const columnScores = scores instanceof Float32Array ? new Float32Array(rows) : new Float64Array(rows);
  const columnTargets = new Int8Array(rows);
  return Array.from({ length: columns }, (_, column) => {
    copyColumn(scores, column, columns, columnScores);
    copyColumn(targets, column, columns, columnTargets);
    const ranked = ranking.rank(columnScores, columnTargets);
    return calibrateClass(ranked, columnScores, columnTargets, goal, defaultThreshold);
  });
}

function calibrateClass(
  ranked: Uint32Array,
  scores: Scores,
  targets: Int8Array,
  goal: CalibrationGoal,
  defaultThreshold: number,
): CalibratedThreshold {
  let positives = 0;
  for (const row of ranked) if (targets[row] === POSITIVE) positives++;
  if (positives === 0) {
    return { threshold: defaultThreshold, outcome: "noPositives", precision: 0, recall: 0, f1: 0, positives };
  }
  let best: { readonly value: number; readonly threshold: number; readonly hits: number; readonly count: number } = {
    value: 0,
    threshold: 1,
    hits: 0,
    count: 0,
  };
  let hits = 0;
  for (let count = 1; count <= ranked.length; count++) {
    if (targets[ranked[count - 1]!] === POSITIVE) hits++;
    const score = scores[ranked[count - 1]!]!;
    const next = count === ranked.length ? 0 : scores[ranked[count]!]!;
    if (!(next < score)) continue; // equal scores cannot be told apart by a threshold
    const value = worth(goal, hits, count, positives);
    if (value > best.value) best = { value, threshold: (score + next) / 2, hits, count };
  }
  const precision = best.count === 0 ? 0 : (100 * best.hits) / best.count;
  const recall = (100 * best.hits) / positives;
  const f1 = (200 * best.hits) / (best.count + positives);
  const outcome = best.count === 0 ? "unreachable" : "calibrated";
  return { threshold: best.threshold, outcome, precision, recall, f1, positives };
}

/** What of the first `count` being predicted is to be as large as possible; 0 is not good enough. */
function worth(goal: CalibrationGoal, hits: number, count: number, positives: number): number {
  if (goal.kind === "f1") return (2 * hits) / (count + positives);
  return hits >= goal.precision * count ? hits : 0;
}

function checkGoal(goal: CalibrationGoal, defaultThreshold: number): void {
  if (goal.kind === "precision" && !(goal.precision > 0 && goal.precision <= 1)) {
    throw new InputError(`calibration: precision must be above 0 and at most 1; got ${goal.precision}`);
  }
  if (!(defaultThreshold >= 0 && defaultThreshold <= 1)) {
    throw new InputError(`calibration: the default threshold must be from 0 to 1; got ${defaultThreshold}`);
  }
}
