import { AslError, NonFiniteError } from "asl-core";

/** The folder of a run cannot be used: it holds another run, or what it holds does not fit. */
export class RunDirectoryError extends AslError {
  readonly folder: string;
  constructor(folder: string, detail: string, options?: ErrorOptions) {
    super("ERR_ASL_RUN_DIRECTORY", `${folder}: ${detail}`, options);
    this.folder = folder;
  }
}

/** A file of predictions that cannot be read as such. */
export class PredictionsError extends AslError {
  readonly file: string;
  constructor(file: string, detail: string, options?: ErrorOptions) {
    super("ERR_ASL_PREDICTIONS", `${file}: ${detail}`, options);
    this.file = file;
  }
}

/** A network gave NaN or an infinity: says when, and for which picture and class. */
export class DivergedError extends NonFiniteError {
  /** "training step 12 (epoch 1, batch 4)" or "evaluation". */
  readonly during: string;
  readonly picture: string | undefined;
  readonly className: string | undefined;

  constructor(cause: NonFiniteError, place: DivergedPlace) {
    super(cause.tensor, cause.index, cause.value, place.shape);
    const [row, column] = cause.index;
    this.cause = cause;
    this.during = place.during;
    this.picture = row === undefined ? undefined : place.pictures[row];
    this.className = column === undefined ? undefined : place.classNames[column];
    const where = [
      this.picture === undefined ? "" : ` for picture "${this.picture}"`,
      this.className === undefined ? "" : `, class "${this.className}"`,
    ].join("");
    this.message = `${place.during}: ${cause.tensor} is ${cause.value}${where}; every value must be finite. ${place.advice}`;
  }
}

export interface DivergedPlace {
  readonly during: string;
  readonly pictures: readonly string[];
  readonly classNames: readonly string[];
  readonly shape: readonly number[];
  readonly advice: string;
}

/** Runs `work`; a NonFiniteError from it becomes a DivergedError with the place. */
export async function locatingNonFinite<T>(place: DivergedPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof NonFiniteError ? new DivergedError(error, place) : error;
  }
}
