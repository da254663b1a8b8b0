/** A function of a module, by its number, and its arguments. */
export type Call = readonly [functionNumber: number, ...functionArguments: readonly number[]];

/** Functions over one memory and the calls of each job, as they can be sent to a thread. Calls of a job may run in any order, at the same time. */
export interface Work {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly jobs: readonly (readonly Call[])[];
}

/** Makes the calls of a job, and returns when all are done. */
export interface Runner {
  run(job: number): void;
  release(): Promise<void>;
}

/** Starts threads that share the calls of each job. */
export interface Threads {
  /** This thread included. */
  readonly count: number;
  /** The memory is shared; `count` includes this thread. */
  start(work: Work, count: number): Promise<Runner>;
}

export type WasmFunction = (...functionArguments: readonly number[]) => void;

/** The functions of a module over a memory, by number. */
export function functionsOf({ module, memory }: Work): readonly WasmFunction[] {
  const { exports } = new WebAssembly.Instance(module, { state: { memory } });
  return WebAssembly.Module.exports(module).map(({ name }) => exports[name] as WasmFunction);
}

/** All calls on this thread, one after another. */
export function runAlone(work: Work): Runner {
  const functions = functionsOf(work);
  return {
    run(job) {
      for (const [number, ...rest] of work.jobs[job]!) functions[number]!(...rest);
    },
    release: async () => undefined,
  };
}
