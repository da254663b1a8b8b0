import { InputError } from "asl-core";

/** p = 1 / (1 + e^-x), in float64 and without overflow for any x. */
export function sigmoid(logit: number): number {
  const decay = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
}

/** 1, 2, ..., count: the numbers of rows that a network of a symbolic batch takes. */
export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

export interface ScoredRows {
  readonly file: string;
  /** What the numbers are: "logit", "score". */
  readonly what: string;
  /** Names of the rows that are no padding. */
  readonly pictures: readonly string[];
  readonly classNames: readonly string[];
}

/** values: [rows, classes]. Throws InputError naming picture and class where one is NaN in a row that is no padding. */
export function assertNumbers(values: ArrayLike<number>, { file, what, pictures, classNames }: ScoredRows): void {
  const classes = classNames.length;
  for (let index = 0; index < pictures.length * classes; index++) {
    if (!Number.isNaN(values[index])) continue;
    const picture = pictures[Math.floor(index / classes)];
    throw new InputError(
      `${file}: the ${what} of class "${classNames[index % classes]}" is NaN for picture "${picture}"; the file's ` +
        "weights are damaged",
    );
  }
}
