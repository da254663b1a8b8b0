import {
  type Backend,
  checkProgram,
  checkState,
  InputError,
  type Program,
  repeatElementwise,
  type Session,
  type StateSpec,
  type TensorData,
  type Tensors,
} from "asl-core";
import { planLoops } from "../loops/plan.js";
import type { Threads } from "../threads/calls.js";
import { KERNELS } from "./kernels.js";
import { compileLoops } from "./loops.js";
import { type CompiledProgram, compileProgram, type ProgramOptions, type ProgramParts } from "./program.js";
import { HeapState, type StateStore } from "./state.js";
import type { OnnxRuntime } from "./tensors.js";
import { InPlaceUpdates } from "./update.js";

export interface OnnxBackendOptions extends ProgramOptions {
  /** onnxruntime-node, onnxruntime-web or any other module with onnxruntime-common's interface. */
  readonly runtime: OnnxRuntime;
  /**
   * Where the elementwise end of a program (optimizer, moving averages) runs: `memory` (default) keeps state in a
   * WebAssembly memory and updates it in place with generated SIMD kernels; `graph` leaves all to ONNX Runtime.
   * Both give the same bits.
   */
  readonly update?: "memory" | "graph";
  /**
   * Where a program without state runs that is elementwise apart from look-ups and sums, such as an exact loss with its
   * gradient: `loops` (default) in generated SIMD loops, on the processor; `graph` node by node in ONNX Runtime. What is
   * correctly rounded has the same bits in both.
   */
  readonly elementwise?: "loops" | "graph";
}

/** A Backend on ONNX Runtime, called "onnx", or "onnx-webgpu" with that provider: each program is one ONNX graph (forward, loss and backward together). */
export const onnxBackend = (options: OnnxBackendOptions): Backend => hostedOnnxBackend(options);

/** With what the host gives beside a runtime: threads for loops and updates. */
export function hostedOnnxBackend(options: OnnxBackendOptions, threads?: Threads): Backend {
  return {
    name: options.provider === "webgpu" ? "onnx-webgpu" : "onnx",
    async compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      for (const [name, program] of Object.entries<Program>(programs)) checkProgram(name, program, state);
      const spare = Object.entries<Program>(programs).map(([name, program]) => [name, sparingMemory(program)] as const);
      const place = options.update === "graph" ? inGraph : inMemory;
      const { store, parts, release } = await place(state, Object.fromEntries(spare), options, threads);
      const compiled = new Map<string, CompiledProgram>();
      try {
        for (const part of parts) compiled.set(part.name, await compilePart(part, options, threads));
      } catch (error) {
        for (const program of compiled.values()) await program.release();
        await release();
        throw error;
      }
      return new OnnxSession<P>(state, store, compiled, release);
    },
  };
}

/** In loops where the program is of that kind, otherwise in ONNX Runtime. */
async function compilePart(
  part: ProgramParts,
  options: OnnxBackendOptions,
  threads: Threads | undefined,
): Promise<CompiledProgram> {
  const { provider = "cpu", elementwise = "loops" } = options;
  const plan = provider === "cpu" && elementwise === "loops" ? planLoops(part.program) : undefined;
  return plan === undefined ? compileProgram(part, options) : compileLoops(part.name, part.program, plan, threads);
}

/** A training step keeps what is dear to make again for its backward pass, and nothing else. */
const sparingMemory = (program: Program): Program =>
  Object.keys(program.writes).length === 0 ? program : { ...program, graph: repeatElementwise(program.graph) };

interface Plan {
  readonly store: StateStore;
  readonly parts: readonly ProgramParts[];
  /** Ends what works on the store. */
  release(): Promise<void>;
}

/** All of each program in ONNX Runtime; written state takes over the arrays that it returns. */
async function inGraph(spec: StateSpec, programs: Readonly<Record<string, Program>>): Promise<Plan> {
  const store = new HeapState(spec);
  const parts = Object.entries(programs).map(([name, program]): ProgramParts => {
    const run = (_feeds: Tensors, results: Tensors) => {
      for (const [output, stateName] of Object.entries(program.writes)) store.replace(stateName, results[output]!.data);
    };
    const { graph } = program;
    return { name, program, graph, store, update: { staged: new Map(), run }, returned: returnedOutputs(program) };
  });
  return { store, parts, release: async () => undefined };
}

/** Updates cut off and compiled to kernels over one memory, which threads share where the runtime takes such memory. */
async function inMemory(
  spec: StateSpec,
  programs: Readonly<Record<string, Program>>,
  { runtime, provider = "cpu" }: OnnxBackendOptions,
  threads: Threads | undefined,
): Promise<Plan> {
  const updates = new InPlaceUpdates(spec, programs);
  const mayShare = threads !== undefined && Math.min(threads.count, updates.mostThreads) > 1;
  const shares = mayShare && (await KERNELS[provider].takesShared(runtime));
  const { release } = await updates.start(shares ? threads : undefined);
  const { state: store } = updates;
  const parts = [...updates.programs].map(([name, update]): ProgramParts => {
    const program = programs[name]!;
    const run = (feeds: Tensors, results: Tensors) => update.run(store, feeds, results);
    const { partition, staged } = update;
    return {
      name,
      program,
      graph: partition.graph,
      store,
      update: { staged, run },
      returned: returnedOutputs(program),
    };
  });
  return { store, parts, release };
}

const returnedOutputs = ({ graph, writes }: Program) =>
  Object.keys(graph.outputs).filter((output) => !Object.hasOwn(writes, output));

class OnnxSession<P extends string> implements Session<P> {
  #disposed = false;
  /** Runs, reads and writes one after another, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly spec: StateSpec,
    private readonly store: StateStore,
    private readonly programs: ReadonlyMap<string, CompiledProgram>,
    private readonly release: () => Promise<void>,
  ) {}

  run(name: P, feeds: Tensors): Promise<Tensors> {
    return this.#inOrder("run", () => {
      const program = this.programs.get(name);
      if (program === undefined) {
        const known = [...this.programs.keys()].join(", ");
        throw new InputError(`no program is called "${name}"; this session has ${known}`);
      }
      return program.run(feeds);
    });
  }

  read(names: readonly string[] = Object.keys(this.spec)): Promise<Tensors> {
    return this.#inOrder("read", () => {
      const copies: Record<string, TensorData> = {};
      for (const name of names) {
        if (!Object.hasOwn(this.spec, name)) throw new InputError(`state "${name}" does not exist in this session`);
        const { type, data } = this.store.get(name);
        copies[name] = { type, data: data.slice() };
      }
      return copies;
    });
  }

  write(state: Tensors): Promise<void> {
    return this.#inOrder("write", () => {
      checkState(this.spec, state);
      for (const [name, { data }] of Object.entries(state)) this.store.write(name, data);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last.catch(() => undefined);
    for (const program of this.programs.values()) await program.release();
    await this.release();
  }

  #inOrder<T>(action: string, body: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#disposed) throw new InputError(`cannot ${action}: the session is disposed`);
      return body();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
