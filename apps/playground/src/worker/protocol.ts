/** What the page and its workers say to each other. */

export type BackendName = "webgpu" | "wasm";

/** `auto`: WebGPU where it runs, else WebAssembly. */
export type BackendChoice = "auto" | BackendName;

/** Which backend runs, and why the others do not. */
export interface BackendState {
  readonly running: BackendName;
  /** The adapter, or the runtime. */
  readonly device: string;
  readonly others: readonly { readonly name: BackendName; readonly reason: string }[];
}

/** A model file in memory. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: ArrayBuffer;
}

/** What is known about the loaded model. */
export interface ModelAbout {
  readonly file: string;
  /** "TResNet, 2,2,2,1 blocks, 32 planes". */
  readonly architecture: string;
  readonly classNames: readonly string[];
  /** Probability above which a class counts as present: one for all, or one per class. */
  readonly thresholds: number | readonly number[];
  /** Side of the square input in pixels. */
  readonly imageSize: number;
  readonly resizeFilter: "bicubic" | "bilinear";
  /** Why its head cannot be trained, or null. */
  readonly fixed: string | null;
  /** What was found and assumed, one sentence each. */
  readonly notes: readonly string[];
}

export interface OpenedModel {
  readonly about: ModelAbout;
  readonly backend: BackendState;
}

/** Milliseconds of each part. */
export interface Timing {
  readonly decode: number;
  readonly resize: number;
  readonly run: number;
}

export interface TaggedPicture {
  /** Pixels of the picture as decoded. */
  readonly width: number;
  readonly height: number;
  /** Probability of each class. */
  readonly scores: readonly number[];
  readonly timing: Timing;
}

/** Named pictures keep an id, under which the worker remembers their features. */
export type PictureId = number;

export interface Example {
  readonly picture: PictureId;
  /** Labels that the picture shows, of those that are taught. */
  readonly labels: readonly string[];
}

export interface Lesson {
  readonly examples: readonly Example[];
  /** Labels that are taught: present where an example names them, absent on the others. All else stays untouched. */
  readonly labels: readonly string[];
  readonly steps: number;
}

export interface TuneOutcome {
  readonly about: ModelAbout;
  readonly losses: readonly number[];
  /** The scores of every remembered picture under the new head. */
  readonly scores: readonly (readonly [PictureId, readonly number[]])[];
}

export interface ModelWorker {
  open(file: ModelFile, choice: BackendChoice, onStage: (stage: string) => void): Promise<OpenedModel>;
  use(choice: BackendChoice): Promise<BackendState>;
  tag(id: PictureId, source: Blob | ImageBitmap): Promise<TaggedPicture>;
  forget(id: PictureId): void;
  /** Trains the head. Rejects with a CancelledError after `cancel`. */
  tune(lesson: Lesson, onStep: (step: number, loss: number) => void): Promise<TuneOutcome>;
  cancel(): void;
  /** Takes the last lesson back. */
  undo(): Promise<TuneOutcome>;
  /** The checkpoint as a safetensors file. */
  save(): Promise<ModelFile>;
}
