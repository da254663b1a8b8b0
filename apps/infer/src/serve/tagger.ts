import { f32 } from "asl-core";
import type { Classifier } from "../classifier.js";
import { DynamicBatcher } from "./dynamic-batcher.js";
import type { PictureThreads } from "./picture-threads.js";

export interface TaggerOptions {
  /** Milliseconds that a picture waits for others. */
  readonly maxDelay: number;
  readonly threads: PictureThreads;
  readonly onBatch: (size: number) => void;
}

/** Scores pictures that come one by one, in batches. */
export class Tagger {
  readonly #batcher: DynamicBatcher<PreparedPicture, readonly number[]>;

  constructor(
    private readonly classifier: Classifier,
    private readonly options: TaggerOptions,
  ) {
    const { maxDelay, onBatch } = options;
    const run = (pictures: readonly PreparedPicture[]) => this.#run(pictures);
    this.#batcher = new DynamicBatcher({ maxBatch: classifier.batchSize, maxDelay, onBatch, run });
  }

  /** Probabilities in class order of a picture file's content. Throws PictureError; `name` is what errors call it. */
  async scores(bytes: Uint8Array, name: string): Promise<readonly number[]> {
    const values = await this.options.threads.prepare(bytes, name);
    return this.#batcher.submit({ name, values });
  }

  async #run(pictures: readonly PreparedPicture[]): Promise<readonly (readonly number[])[]> {
    const { classNames, imageSize, batchSizes } = this.classifier;
    const size = 3 * imageSize * imageSize;
    const rows = batchSizes.find((each) => each >= pictures.length)!;
    const images = new Float32Array(rows * size);
    for (const [row, { values }] of pictures.entries()) images.set(values, row * size);
    const names = pictures.map(({ name }) => name);
    const scores = await this.classifier.scores(f32([rows, 3, imageSize, imageSize], images), names);
    const classes = classNames.length;
    return pictures.map((_, row) => Array.from({ length: classes }, (_, index) => scores[row * classes + index]!));
  }
}

interface PreparedPicture {
  readonly name: string;
  /** [3, S, S] in [0, 1]. */
  readonly values: Float32Array;
}
