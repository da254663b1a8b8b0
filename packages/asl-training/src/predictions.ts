import { InputError } from "asl-core";

/** Scores and targets of a set of pictures, row-major [pictures, classes]. */
export interface Predictions {
  readonly classNames: readonly string[];
  /** Name of each picture. */
  readonly pictures: readonly string[];
  /** Probabilities in [0, 1]. */
  readonly scores: Float32Array;
  /** 1, 0, or -1 for "not annotated". */
  readonly targets: Float32Array;
  /** The threshold, one or one per class, that goes with the scores; undefined when nobody said one. */
  readonly thresholds?: number | readonly number[];
}

/** Throws InputError unless both matrices are [pictures, classes]. */
export function checkPredictionSizes({ classNames, pictures, scores, targets }: Predictions): void {
  const size = classNames.length * pictures.length;
  if (scores.length !== size || targets.length !== size) {
    throw new InputError(
      `predictions: ${pictures.length} pictures of ${classNames.length} classes need ${size} scores and targets; ` +
        `got ${scores.length} and ${targets.length}`,
    );
  }
}
