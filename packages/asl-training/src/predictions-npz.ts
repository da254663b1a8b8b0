import { type NpyArray, readNpz } from "asl-checkpoint";
import { PredictionsError } from "./errors.js";
import type { Predictions } from "./predictions.js";

export interface NpzKeys {
  /** Name of the score matrix in an .npz; found by its values and name when undefined. */
  readonly scoresKey?: string;
  /** Name of the target matrix. */
  readonly targetsKey?: string;
}

interface Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export const SCORE_NAME = /score|prob|pred|sigm|sgmd|output/i;
export const TARGET_NAME = /label|target|truth|gt|true/i;

/**
 * Predictions from NumPy's .npz: of its two-dimensional arrays, the one that holds nothing but 0, 1 (and -1) is the
 * targets, and one of the same shape with values between is the scores. Names decide among several.
 */
export async function readNpzPredictions(
  file: string,
  keys: NpzKeys,
  nameClasses: (count: number) => readonly string[],
): Promise<Predictions> {
  const arrays = Object.entries(await readNpz(file));
  const matrices = arrays.flatMap(([name, array]) => matrixOf(name, array) ?? []);
  const found = `it has ${arrays.map(([name, { dtype, shape }]) => `${name} ${dtype}[${shape.join(",")}]`).join(", ")}`;
  const choose = (what: "scores" | "targets", key: string | undefined, fits: (matrix: Matrix) => boolean) =>
    chosen(file, { what, key, fits, found }, matrices);
  const targets = choose("targets", keys.targetsKey, ({ values }) => values.every(isTarget));
  const scores = choose("scores", keys.scoresKey, (matrix) => {
    return matrix.name !== targets.name && sameExtents(matrix, targets) && !matrix.values.every(isTarget);
  });
  if (!sameExtents(scores, targets)) {
    throw new PredictionsError(file, `scores and targets must have one shape: ${shown(scores)}, ${shown(targets)}`);
  }
  const outside = scores.values.find((score) => !(score >= 0 && score <= 1));
  if (outside !== undefined) {
    throw new PredictionsError(
      file,
      `scores "${scores.name}" must be probabilities from 0 to 1; found ${outside}. If these are logits, take their sigmoid`,
    );
  }
  const classNames = nameClasses(scores.columns);
  if (classNames.length !== scores.columns) {
    throw new PredictionsError(file, `${scores.columns} classes, but ${classNames.length} class names were given`);
  }
  return {
    classNames,
    pictures: Array.from({ length: scores.rows }, (_, index) => `row ${index}`),
    scores: scores.values,
    targets: targets.values,
  };
}

interface Choice {
  readonly what: "scores" | "targets";
  readonly key: string | undefined;
  readonly fits: (matrix: Matrix) => boolean;
  readonly found: string;
}

function chosen(file: string, { what, key, fits, found }: Choice, matrices: readonly Matrix[]): Matrix {
  const [option, pattern] = what === "scores" ? ["--scores-key", SCORE_NAME] : ["--targets-key", TARGET_NAME];
  if (key !== undefined) {
    const named = matrices.find(({ name }) => name === key);
    if (named !== undefined) return named;
    throw new PredictionsError(file, `no two-dimensional array of numbers is called "${key}"; ${found}`);
  }
  const candidates = matrices.filter(fits);
  const wellNamed = candidates.filter(({ name }) => pattern.test(name));
  const [only, ...others] = candidates.length > 1 && wellNamed.length > 0 ? wellNamed : candidates;
  if (only !== undefined && others.length === 0) return only;
  const why = only === undefined ? "no array looks like" : "more than one array could be";
  throw new PredictionsError(file, `${why} the ${what}; ${found}. Name it with ${option}`);
}

function matrixOf(name: string, { shape, data }: NpyArray): Matrix | undefined {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined || rows * columns === 0) return undefined;
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) values[i] = Number(data[i]);
  return { name, rows, columns, values };
}

const isTarget = (value: number) => value === 0 || value === 1 || value === -1;
const sameExtents = (a: Matrix, b: Matrix) => a.rows === b.rows && a.columns === b.columns;
const shown = ({ name, rows, columns }: Matrix) => `"${name}" [${rows},${columns}]`;
