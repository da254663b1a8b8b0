import type { TensorData } from "asl-core";
import type { BackendChoice, BackendState, Lesson, ModelAbout, ModelFile } from "./protocol.js";

/** A loaded model, of whichever kind of file. */
export interface Classifier extends AsyncDisposable {
  readonly about: ModelAbout;
  readonly backend: BackendState;
  use(choice: BackendChoice): Promise<BackendState>;
  /** images: f32[1,3,S,S] in [0,1]. Probabilities, and the features that a head is trained on (empty if it has none). */
  score(images: TensorData): Promise<{ readonly scores: readonly number[]; readonly features: Float32Array }>;
  /** Probabilities from features that `score` gave. */
  rescore(features: Float32Array): Promise<readonly number[]>;
  /** Trains the head; `features` gives those of each example. Losses of all steps. */
  tune(
    lesson: Lesson,
    features: readonly Float32Array[],
    onStep: (step: number, loss: number) => void,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
  undo(): Promise<void>;
  save(): Promise<ModelFile>;
}

/** p = 1 / (1 + e^-x), in float64 and without overflow for any x. */
export function sigmoid(logit: number): number {
  const decay = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
}

/** Of the official script that tags pictures; for files that do not say. */
export const DEFAULTS = { thresholds: 0.8, imageSize: 448, resizeFilter: "bicubic" } as const;
