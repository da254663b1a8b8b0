import {
  type Backend,
  checkProgram,
  checkState,
  InputError,
  type Program,
  type Session,
  type StateSpec,
  type TensorData,
  type Tensors,
} from "asl-core";
import type { RuntimeOptions } from "./options.js";
import { type CompiledProgram, compileProgram } from "./program.js";
import { HeapState, type StateStore } from "./state.js";
import type { OnnxRuntime } from "./tensors.js";

export interface OnnxBackendOptions extends RuntimeOptions {
  /** onnxruntime-node, onnxruntime-web or any other module with onnxruntime-common's interface. */
  readonly runtime: OnnxRuntime;
}

/** A Backend on ONNX Runtime: each program is one ONNX graph (forward, loss and backward together). */
export function onnxBackend(options: OnnxBackendOptions): Backend {
  return {
    name: "onnx",
    async compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      const entries = Object.entries<Program>(programs);
      for (const [name, program] of entries) checkProgram(name, program, state);
      const store = new HeapState(state);
      const compiled = new Map<string, CompiledProgram>();
      try {
        for (const [name, program] of entries) compiled.set(name, await compileProgram(name, program, store, options));
      } catch (error) {
        for (const program of compiled.values()) await program.release();
        throw error;
      }
      return new OnnxSession<P>(state, store, compiled);
    },
  };
}

class OnnxSession<P extends string> implements Session<P> {
  #disposed = false;
  /** Runs, reads and writes one after another, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly spec: StateSpec,
    private readonly store: StateStore,
    private readonly programs: ReadonlyMap<string, CompiledProgram>,
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
      for (const [name, { data }] of Object.entries(state)) this.store.replace(name, data.slice());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last.catch(() => undefined);
    for (const program of this.programs.values()) await program.release();
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
