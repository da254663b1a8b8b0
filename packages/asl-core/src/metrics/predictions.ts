import { InputError, NonFiniteError } from "../errors/errors.js";

/** [rows, classes] of a row-major matrix of scores or targets. */
export type MatrixShape = readonly [rows: number, classes: number];

/** Scores in float32 or float64, row-major [rows, classes]; only their order and the threshold matter. */
export type Scores = Float32Array | Float64Array;

/** What a target says: the class is there, it is not, or nobody looked. */
export const POSITIVE = 1;
export const NEGATIVE = 0;
export const UNANNOTATED = -1;

/**
 * Throws NonFiniteError, naming row and class, for a NaN or infinite score, and InputError for lengths that do not fit
 * the shape or a target other than 1, 0 and -1.
 */
export function checkPredictions(scores: Scores, targets: ArrayLike<number>, shape: MatrixShape): void {
  const [rows, classes] = shape;
  const size = rows * classes;
  if (!Number.isInteger(rows) || !Number.isInteger(classes) || rows < 0 || classes < 0) {
    throw new InputError(`predictions: shape must be [rows, classes] of integers >= 0; got [${shape.join(",")}]`);
  }
  if (scores.length !== size || targets.length !== size) {
    throw new InputError(
      `predictions: [${rows},${classes}] needs ${size} scores and targets; got ${scores.length} scores and ${targets.length} targets`,
    );
  }
  for (let i = 0; i < size; i++) {
    const score = scores[i]!;
    const target = targets[i]!;
    if (!Number.isFinite(score)) throw new NonFiniteError("scores", placeOf(i, classes), score, shape);
    if (target !== POSITIVE && target !== NEGATIVE && target !== UNANNOTATED) {
      const [row, column] = placeOf(i, classes);
      throw new InputError(
        `targets: ${target} at row ${row}, class ${column}; a target is 1 (there), 0 (not there) or -1 (not annotated)`,
      );
    }
  }
}

const placeOf = (index: number, classes: number): [row: number, column: number] => [
  Math.floor(index / classes),
  index % classes,
];
