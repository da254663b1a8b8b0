import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { AslError } from "asl-core";
import { functionsOf, type Runner, type Threads, type Work } from "./calls.js";
import { Control, END } from "./control.js";

export interface WorkerThreadData {
  readonly work: Work;
  /** Of the threads' Control. */
  readonly memory: SharedArrayBuffer;
}

/** A few threads soon wait for memory. */
const MOST_THREADS = 4;

/** A thread that does not answer has died. */
const PATIENCE_MS = 60_000;

/** Worker threads of Node. They sleep between jobs, and do not keep the process alive. */
export function workerThreads(count = Math.min(availableParallelism(), MOST_THREADS)): Threads {
  return { count, start };
}

async function start(work: Work, count: number): Promise<Runner> {
  const control = new Control();
  const workerData: WorkerThreadData = { work, memory: control.memory };
  const workers = Array.from(
    { length: count - 1 },
    () => new Worker(new URL("./worker-thread.js", import.meta.url), { workerData, execArgv: [] }),
  );
  const end = () => Promise.all(workers.map((worker) => worker.terminate()));
  try {
    await Promise.all(workers.map(ready));
  } catch (error) {
    await end();
    throw error;
  }
  let broken: AslError | undefined;
  const fail = (why: string): AslError => {
    broken ??= new AslError(
      "ERR_ASL_BACKEND",
      `a thread of the session failed: ${why}. Its work is incomplete: open the session anew`,
    );
    return broken;
  };
  for (const worker of workers) {
    worker.on("error", ({ message }) => fail(message));
    worker.on("exit", () => fail("it has ended"));
    worker.unref();
  }

  const functions = functionsOf(work);
  return {
    run(job) {
      if (broken !== undefined) throw broken;
      const calls = work.jobs[job]!;
      // what is not divided is done here
      const others = calls.length > 1 ? workers.length : 0;
      control.announce(job, others);
      control.takeCalls(functions, calls);
      if (!control.waitForOthers(PATIENCE_MS)) throw fail("it does not answer");
      const failure = control.failure();
      if (failure !== undefined) throw fail(failure);
    },
    async release() {
      control.announce(END, workers.length);
      await end();
    },
  };
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", (cause) => {
      reject(new AslError("ERR_ASL_BACKEND", `a thread of a session could not start: ${cause.message}`, { cause }));
    });
  });
}
