import type { BatchTask, PictureFailure, PreparedBatch } from "./batch.js";

/** To a worker thread. */
export type Request =
  | { readonly kind: "prepare"; readonly id: number; readonly task: BatchTask }
  | { readonly kind: "cancel"; readonly id: number };

/** From a worker thread; one per `prepare`, unless it was cancelled before it began. */
export type Response =
  | { readonly kind: "prepared"; readonly id: number; readonly batch: PreparedBatch }
  | { readonly kind: "pictureFailure"; readonly id: number; readonly failure: Omit<PictureFailure, "index"> }
  | { readonly kind: "failure"; readonly id: number; readonly message: string; readonly stack: string | undefined };
