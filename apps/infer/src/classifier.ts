import type { BackendName, NumericsName } from "asl-cli";
import type { TensorData } from "asl-core";
import type { ResizeFilter } from "asl-data";

export interface ClassifierOptions {
  readonly weights?: "regular" | "ema" | undefined;
  /** Overrides what the file says. */
  readonly imageSize?: number | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly backend: BackendName;
  /** Of a checkpoint's network; an ONNX file has its own. */
  readonly numerics?: NumericsName | undefined;
  /** Most pictures of one run. */
  readonly batchSize: number;
  /** How many pictures there will be, if it is known: for a few, a network is not prepared as well as for many. */
  readonly pictures?: number;
  /** Batches that are not full will come often: a checkpoint's network is made ready for them, too. Default false. */
  readonly partialBatches?: boolean;
}

/** A model that scores pictures, from whichever kind of file. */
export interface Classifier extends AsyncDisposable {
  readonly classNames: readonly string[];
  /** One for all classes or one each: what the file says, else the default of the official scripts. */
  readonly thresholds: number | readonly number[];
  /** How the file's thresholds were calibrated, if they were. */
  readonly calibration: string | undefined;
  /** Side of the square pictures in pixels. */
  readonly imageSize: number;
  readonly resizeFilter: ResizeFilter;
  /** Rows of a batch: the number asked for, or the one that the file is fixed to. */
  readonly batchSize: number;
  /** Numbers of rows that `scores` takes without computing more, ascending; the last is `batchSize`. */
  readonly batchSizes: readonly number[];
  /** What was assumed or ignored, for a person to read. */
  readonly notes: readonly string[];
  /**
   * images: f32[n,3,S,S] in [0,1], n one of `batchSizes`, the last rows possibly padding. Returns probabilities
   * [n, classes], row-major; `pictures` names the real rows in errors.
   */
  scores(images: TensorData, pictures: readonly string[]): Promise<ArrayLike<number>>;
}
