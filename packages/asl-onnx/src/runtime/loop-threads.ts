import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { AslError } from "asl-core";
import { type LoopModule, type LoopRunner, type LoopThreads, loopsOf } from "./loops.js";

/** Words of the memory over which threads speak to each other. */
export const CONTROL = { turn: 0, loop: 1, busy: 2 } as const;

/** In place of the number of a loop: the thread ends. */
export const END = -1;

export interface LoopThreadData extends Pick<LoopModule, "module" | "memory"> {
  readonly control: Int32Array;
  /** What this thread does of each loop. */
  readonly parts: LoopModule["parts"];
}

/** A few threads soon wait for memory. */
const MOST_THREADS = 4;

/** A thread that does not answer has died. */
const PATIENCE_MS = 60_000;

/** Worker threads of Node. They sleep between loops, and do not keep the process alive. */
export function loopThreads(threads = Math.min(availableParallelism(), MOST_THREADS)): LoopThreads {
  return { count: threads, start: startThreads };
}

async function startThreads({ module, memory, parts }: LoopModule, count: number): Promise<LoopRunner> {
  const control = new Int32Array(new SharedArrayBuffer(4 * Object.keys(CONTROL).length));
  const sharesOf = (thread: number) =>
    parts.map((each) => each.slice(share(each.length, thread, count), share(each.length, thread + 1, count)));
  const workers = Array.from({ length: count - 1 }, (_, i) => {
    const workerData: LoopThreadData = { module, memory, control, parts: sharesOf(i + 1) };
    return new Worker(new URL("./loop-thread.js", import.meta.url), { workerData, execArgv: [] });
  });
  await Promise.all(workers.map(ready));
  for (const worker of workers) worker.unref();

  const loops = loopsOf(module, memory);
  const own = sharesOf(0);
  const announce = (loop: number): void => {
    Atomics.store(control, CONTROL.loop, loop);
    Atomics.store(control, CONTROL.busy, workers.length);
    Atomics.add(control, CONTROL.turn, 1);
    Atomics.notify(control, CONTROL.turn);
  };
  return {
    run(loop) {
      // what is not divided is done here
      const isDivided = parts[loop]!.length > 1;
      if (isDivided) announce(loop);
      for (const part of own[loop]!) loops[loop]!(...part);
      if (isDivided) waitUntilIdle(control);
    },
    async release() {
      announce(END);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Part `thread` of `count` begins here; a single part belongs to the first. */
const share = (parts: number, thread: number, count: number): number => Math.ceil((thread * parts) / count);

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", (cause) => {
      reject(new AslError("ERR_ASL_BACKEND", `a thread for loops could not start: ${cause.message}`, { cause }));
    });
  });
}

function waitUntilIdle(control: Int32Array): void {
  for (;;) {
    const busy = Atomics.load(control, CONTROL.busy);
    if (busy === 0) return;
    if (Atomics.wait(control, CONTROL.busy, busy, PATIENCE_MS) === "timed-out") {
      throw new AslError("ERR_ASL_BACKEND", "a thread for loops does not answer");
    }
  }
}
