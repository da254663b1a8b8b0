import { setImmediate } from "node:timers/promises";

export interface BatcherOptions<T, R> {
  /** Most items of one run. */
  readonly maxBatch: number;
  /** Milliseconds that the first item of a batch waits for others while nothing runs. */
  readonly maxDelay: number;
  /** Results in the order of the items. One run at a time. */
  readonly run: (items: readonly T[]) => Promise<readonly R[]>;
  /** Told of every batch before it runs. */
  readonly onBatch?: (size: number) => void;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** At least as many as requests may be under way by default. */
const TURNS = 128;

/**
 * Lets the event loop take in what came where the backend computes in this thread (onnxruntime-node's own binding does):
 * a turn accepts one connection only (libuv since 1.46) and reads what has come on the others. Without so many turns,
 * requests wait unseen in the system's queue of connections instead of being refused. Where the loop went on meanwhile,
 * they take about a millisecond.
 */
async function takeIn(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate();
}

/**
 * Puts items that come one by one into batches: while a batch runs the next one fills; when nothing runs, a batch starts
 * as soon as it is full or its first item has waited for `maxDelay`. A run that fails is done again item by item, so that
 * one bad item fails alone.
 */
export class DynamicBatcher<T, R> {
  readonly #options: BatcherOptions<T, R>;
  readonly #waiting: Waiting<T, R>[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
  }

  submit(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#waiting.length === 0) return;
    const { maxBatch, maxDelay } = this.#options;
    if (this.#waiting.length >= maxBatch || maxDelay === 0) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), maxDelay);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0, this.#options.maxBatch);
    this.#running = this.#settle(batch)
      .then(takeIn)
      .finally(() => {
        this.#running = undefined;
        // those that came during the run have waited long enough
        if (this.#waiting.length > 0) this.#start();
      });
  }

  async #settle(batch: readonly Waiting<T, R>[]): Promise<void> {
    const { run, onBatch } = this.#options;
    onBatch?.(batch.length);
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
    } catch (error) {
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const one of batch) await this.#settle([one]);
    }
  }
}
