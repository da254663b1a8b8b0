import { f32, InputError } from "asl-core";
import { augmentationOf } from "../augment/augmentation.js";
import { checkMixing } from "../augment/mixing.js";
import { checkDataset, type Dataset } from "../dataset.js";
import { PictureError } from "../errors.js";
import { PackedItemList, packItems } from "../packed-items.js";
import type { Batch, BatchTask, PreparedBatch } from "./batch.js";
import { type LoaderOptions, type ResolvedLoaderOptions, resolveLoaderOptions } from "./options.js";
import { epochOrder } from "./order.js";
import { allocatePictureCache } from "./picture-cache.js";
import { BatchPreparer, type PreparerOptions } from "./preparer.js";
import { type PendingBatch, WorkerPool } from "./worker-pool.js";

export interface EpochOptions {
  /** The first batch to give, to go on with an interrupted epoch. Default 0. */
  readonly startBatch?: number;
  /** Stops this epoch; iterating throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Batches of a dataset. Their order and bytes are a function of the dataset, the options and the epoch number alone:
 * neither the number of workers nor the prefetch nor the cache changes a bit.
 */
export interface Loader extends AsyncDisposable {
  readonly classes: readonly string[];
  readonly itemCount: number;
  /** Whether a target is -1: a class that nobody looked for. */
  readonly partial: boolean;
  readonly batchesPerEpoch: number;
  /**
   * The batches of an epoch. A batch all of whose pictures were skipped is left out. Work begins with the first
   * `next()` and stops when the iteration is left.
   * Throws InputError for a bad argument; iterating throws PictureError (onCorrupt "fail") or a signal's reason.
   */
  epoch(epoch: number, options?: EpochOptions): AsyncIterable<Batch>;
  /** Stops the worker threads. Batches handed out stay valid. */
  dispose(): Promise<void>;
}

/** Throws InputError for a bad option, DatasetError for a dataset without pictures or with a wrong label. */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  return new DatasetLoader(dataset, resolveLoaderOptions(options));
}

class DatasetLoader implements Loader {
  readonly classes: readonly string[];
  readonly itemCount: number;
  readonly partial: boolean;
  readonly batchesPerEpoch: number;
  readonly #items: PackedItemList;
  readonly #options: ResolvedLoaderOptions;
  readonly #prepare: (task: BatchTask) => PendingBatch;
  readonly #pool: WorkerPool | undefined;
  #disposed = false;

  constructor(dataset: Dataset, options: ResolvedLoaderOptions) {
    checkDataset(dataset);
    if (options.augment !== false) {
      // a bad step is an error here, not in a thread
      augmentationOf(options.augment.steps);
      if (options.augment.mixing !== undefined) checkMixing(options.augment.mixing);
    }
    this.classes = dataset.classes;
    this.itemCount = dataset.items.length;
    const batches = this.itemCount / options.batchSize;
    this.batchesPerEpoch = options.lastBatch === "drop" ? Math.floor(batches) : Math.ceil(batches);
    if (this.batchesPerEpoch === 0) {
      throw new InputError(
        `loader: ${this.itemCount} pictures do not fill one batch of ${options.batchSize} and lastBatch is "drop"`,
      );
    }
    const items = packItems(dataset.items, dataset.classes.length);
    this.#items = new PackedItemList(items);
    this.partial = items.partial;
    this.#options = options;
    const { imageSize, batchSize, filter, augment, onCorrupt, maxPixels } = options;
    const preparerOptions: PreparerOptions = {
      items,
      classes: dataset.classes.length,
      imageSize,
      batchSize,
      filter,
      augment,
      onCorrupt,
      maxPixels,
      cache: options.cache === "memory" ? allocatePictureCache(this.itemCount, imageSize) : undefined,
    };
    if (options.workers > 0) {
      const pool = new WorkerPool(options.workers, preparerOptions);
      this.#pool = pool;
      this.#prepare = (task) => pool.prepare(task);
    } else {
      const preparer = new BatchPreparer(preparerOptions);
      this.#prepare = (task) => ({ batch: preparer.prepare(task), cancel: () => undefined });
    }
  }

  epoch(epoch: number, options: EpochOptions = {}): AsyncIterable<Batch> {
    const { startBatch = 0, signal } = options;
    if (!Number.isSafeInteger(epoch) || epoch < 0) {
      throw new InputError(`loader: the epoch must be an integer from 0 on; got ${epoch}`);
    }
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.batchesPerEpoch) {
      throw new InputError(`loader: startBatch must be in 0 .. ${this.batchesPerEpoch}; got ${startBatch}`);
    }
    const signals = [this.#options.signal, signal].filter((each) => each !== undefined);
    return { [Symbol.asyncIterator]: () => this.#batches(epoch, startBatch, signals) };
  }

  async *#batches(epoch: number, startBatch: number, signals: readonly AbortSignal[]): AsyncGenerator<Batch, void> {
    const { batchSize, prefetch } = this.#options;
    const order = epochOrder(this.itemCount, this.#options.shuffle, epoch);
    const pending: PendingBatch[] = [];
    const aborted = abortion(signals);
    let next = startBatch;
    try {
      for (let number = startBatch; number < this.batchesPerEpoch; number++) {
        while (next < this.batchesPerEpoch && next <= number + prefetch) {
          this.#checkUsable(signals);
          const indices = [...order.subarray(next * batchSize, (next + 1) * batchSize)];
          const started = this.#prepare({ epoch, number: next, indices });
          started.batch.catch(() => undefined); // awaited in its turn
          pending.push(started);
          next++;
        }
        const prepared = await Promise.race([pending[0]!.batch, aborted.promise]);
        pending.shift();
        this.#checkUsable(signals);
        this.#report(prepared);
        if (prepared.indices.length > 0) yield this.#batchOf(number, prepared);
      }
    } finally {
      aborted.forget();
      for (const { cancel } of pending) cancel();
    }
  }

  #checkUsable(signals: readonly AbortSignal[]): void {
    for (const signal of signals) signal.throwIfAborted();
    if (this.#disposed) throw new InputError("loader: it was disposed");
  }

  #report({ failures }: PreparedBatch): void {
    for (const { index, file, reason, message } of failures) {
      const error = new PictureError(file, reason, message);
      this.#options.onSkip?.({ index, name: this.#items.at(index)!.name, file, error });
    }
  }

  #batchOf(number: number, { images, targets, indices }: PreparedBatch): Batch {
    const { batchSize, imageSize } = this.#options;
    const mask = new Float32Array(batchSize).fill(1, 0, indices.length);
    return {
      number,
      images: f32([batchSize, 3, imageSize, imageSize], images),
      targets: f32([batchSize, this.classes.length], targets),
      mask: f32([batchSize], mask),
      indices,
      names: indices.map((index) => this.#items.at(index)!.name),
    };
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#pool?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** A promise that rejects with the reason of the first signal that aborts, and a way to stop listening. */
function abortion(signals: readonly AbortSignal[]): { promise: Promise<never>; forget: () => void } {
  const listening = new AbortController();
  const promise = new Promise<never>((_, reject) => {
    for (const signal of signals) {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { signal: listening.signal, once: true });
    }
  });
  promise.catch(() => undefined);
  return { promise, forget: () => listening.abort() };
}
