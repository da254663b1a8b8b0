import { Worker } from "node:worker_threads";
import { AslError, InputError } from "asl-core";
import { messageOf, PictureError } from "../errors.js";
import type { BatchTask, PreparedBatch } from "./batch.js";
import type { Request, Response } from "./messages.js";
import type { PreparerOptions } from "./preparer.js";

/** A batch that is being prepared; `cancel` when nobody wants it any more. */
export interface PendingBatch {
  readonly batch: Promise<PreparedBatch>;
  readonly cancel: () => void;
}

interface Pending {
  readonly resolve: (batch: PreparedBatch) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
}

/**
 * Worker threads that prepare batches. A batch goes at once to the thread with the fewest waiting, so threads go on
 * while the calling thread is busy. Threads without work do not keep the process alive.
 */
export class WorkerPool {
  readonly #threads: Thread[];
  #nextId = 0;
  #stopped = false;

  constructor(count: number, options: PreparerOptions) {
    this.#threads = Array.from({ length: count }, () => this.#start(options));
  }

  prepare(task: BatchTask): PendingBatch {
    const id = this.#nextId++;
    const thread = this.#threads.reduce((best, other) => (other.pending.size < best.pending.size ? other : best));
    const batch = new Promise<PreparedBatch>((resolve, reject) => {
      if (this.#stopped) {
        reject(new InputError("loader: it was disposed"));
        return;
      }
      thread.pending.set(id, { resolve, reject });
      thread.worker.ref();
      thread.worker.postMessage({ kind: "prepare", id, task } satisfies Request);
    });
    return {
      batch,
      cancel: () => {
        if (!thread.pending.delete(id)) return;
        if (thread.pending.size === 0) thread.worker.unref();
        thread.worker.postMessage({ kind: "cancel", id } satisfies Request);
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const thread of this.#threads) fail(thread, new InputError("loader: it was disposed"));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(options: PreparerOptions): Thread {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: options, execArgv: [] });
    const thread: Thread = { worker, pending: new Map() };
    worker.unref();
    worker.on("message", (response: Response) => settle(thread, response));
    worker.on("error", (thrown) => this.#lost(thread, messageOf(thrown)));
    worker.on("exit", (code) => this.#lost(thread, `it stopped with code ${code}`));
    return thread;
  }

  #lost(thread: Thread, why: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const error = new AslError("ERR_ASL_WORKER", `loader: a worker thread was lost: ${why}. Open the loader again.`);
    for (const each of this.#threads) fail(each, error);
    for (const each of this.#threads) if (each !== thread) void each.worker.terminate();
  }
}

function settle({ worker, pending }: Thread, response: Response): void {
  const waiting = pending.get(response.id);
  if (waiting === undefined) return;
  pending.delete(response.id);
  if (pending.size === 0) worker.unref();
  switch (response.kind) {
    case "prepared":
      waiting.resolve(response.batch);
      return;
    case "pictureFailure": {
      const { file, reason, message } = response.failure;
      waiting.reject(new PictureError(file, reason, message));
      return;
    }
    case "failure":
      waiting.reject(new AslError("ERR_ASL_WORKER", `loader: ${response.message}`, { cause: response.stack }));
  }
}

function fail({ pending }: Thread, error: Error): void {
  for (const { reject } of pending.values()) reject(error);
  pending.clear();
}
