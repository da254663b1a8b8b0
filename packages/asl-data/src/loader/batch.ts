import type { TensorData } from "asl-core";
import type { PictureError, PictureErrorReason } from "../errors.js";

/** Rows of pictures and their targets; N = batch size, S = picture size, C = classes. */
export interface Batch {
  /** Position in the epoch, from 0; a run that stopped after batch k goes on with `startBatch: k + 1`. */
  readonly number: number;
  /** f32[N, 3, S, S], RGB in [0, 1]; 0 in padding rows. */
  readonly images: TensorData;
  /** f32[N, C], 1 where the picture shows the class, -1 where nobody looked for it; 0 in padding rows. */
  readonly targets: TensorData;
  /** f32[N]: 1 for a real row, 0 for padding. Real rows come first. */
  readonly mask: TensorData;
  /** Index in the dataset of every real row. */
  readonly indices: readonly number[];
  /** Name of the picture of every real row. */
  readonly names: readonly string[];
}

/** A picture that was left out of a batch. */
export interface SkippedPicture {
  readonly index: number;
  readonly name: string;
  readonly file: string;
  readonly error: PictureError;
}

/** Which rows to prepare. */
export interface BatchTask {
  readonly epoch: number;
  readonly number: number;
  readonly indices: readonly number[];
}

/** A PictureError as it travels between threads, which know no classes. */
export interface PictureFailure {
  readonly index: number;
  readonly file: string;
  readonly reason: PictureErrorReason;
  readonly message: string;
}

/** Prepared rows; arrays have the full batch size, real rows first. */
export interface PreparedBatch {
  readonly images: Float32Array<ArrayBuffer>;
  readonly targets: Float32Array<ArrayBuffer>;
  readonly indices: readonly number[];
  readonly failures: readonly PictureFailure[];
}
