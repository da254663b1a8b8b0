import {
  AslError,
  allocate,
  assertFinite,
  type Backend,
  checkFeeds,
  checkProgram,
  checkState,
  InputError,
  type Program,
  type Session,
  type StateSpec,
  sizeOf,
  type TensorData,
  type Tensors,
} from "asl-core";
import type { Quirks } from "./lower/lowering.js";
import { quirksOf } from "./lower/quirks.js";
import { CompiledProgram } from "./program.js";
import { type DeviceTensor, type TensorFlow, toDevice, toHost } from "./tensorflow.js";

export interface TfjsBackendOptions {
  /** The module that holds TensorFlow.js, or a function that loads it at the first `compile`. */
  readonly tf: TensorFlow | (() => Promise<TensorFlow>);
  /** Name under which the TensorFlow.js backend is registered: "cpu", "wasm", "tensorflow" (tfjs-node), ... */
  readonly backend: string;
  /** Name of the Backend; "tfjs-" + `backend` unless given. */
  readonly name?: string;
}

/** A Backend on any TensorFlow.js backend: float32, state on the device, gradients as the graph has them. */
export function tfjsBackend({ tf, backend, name = `tfjs-${backend}` }: TfjsBackendOptions): Backend {
  return {
    name,
    async compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      for (const [programName, program] of Object.entries<Program>(programs)) {
        checkProgram(programName, program, state);
      }
      const device = await openDevice(typeof tf === "function" ? await tf() : tf, backend, name);
      return new TfjsSession<P>(device, state, programs);
    },
  };
}

/** TensorFlow.js with one of its backends. The current backend is a global of the module. */
interface Device {
  readonly tf: TensorFlow;
  readonly quirks: Quirks;
  /** Makes the backend the current one; takes effect at once. */
  activate(): void;
}

async function openDevice(tf: TensorFlow, backend: string, name: string): Promise<Device> {
  let ready = false;
  let cause: unknown;
  try {
    ready = await tf.setBackend(backend);
  } catch (error) {
    cause = error;
  }
  if (!ready) {
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    throw new AslError("ERR_ASL_BACKEND", `${name}: TensorFlow.js could not start its backend "${backend}"${detail}`, {
      cause,
    });
  }
  const activate = () => {
    // The promise is for a backend's first start only.
    if (tf.getBackend() !== backend || tf.backend() !== tf.findBackend(backend)) void tf.setBackend(backend);
  };
  return { tf, quirks: await quirksOf(tf, backend, activate), activate };
}

class TfjsSession<P extends string> implements Session<P> {
  readonly #state = new Map<string, DeviceTensor>();
  readonly #programs = new Map<string, CompiledProgram>();
  #disposed = false;
  /** Runs, reads and writes one after another, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly device: Device,
    private readonly spec: StateSpec,
    programs: Readonly<Record<P, Program>>,
  ) {
    const { tf, quirks } = device;
    device.activate();
    for (const [name, { type }] of Object.entries(spec)) {
      this.#state.set(name, toDevice(tf, { type, data: allocate(type.dtype, sizeOf(type.shape)) }));
    }
    for (const [name, program] of Object.entries<Program>(programs)) {
      this.#programs.set(name, new CompiledProgram(name, program, tf, quirks));
    }
  }

  run(name: P, feeds: Tensors): Promise<Tensors> {
    return this.#inOrder("run", async () => {
      const compiled = this.#programs.get(name);
      if (compiled === undefined) {
        const known = [...this.#programs.keys()].join(", ");
        throw new InputError(`no program is called "${name}"; this session has ${known}`);
      }
      const { program } = compiled;
      checkFeeds(name, program, feeds);
      const { outputs: tensors, lateChecks } = compiled.execute(this.#state, feeds);
      try {
        for (const { extremes, judge } of lateChecks) judge(await extremes.data());
        const results: Record<string, TensorData> = {};
        for (const [output, id] of Object.entries(program.graph.outputs)) {
          const read = !Object.hasOwn(program.writes, output) || program.finite.includes(output);
          if (read) results[output] = await toHost(output, tensors[output]!, program.graph.types[id]!);
        }
        // Before any write: a step that went wrong leaves the state as it was.
        assertFinite(results, program.finite);
        for (const [output, stateName] of Object.entries(program.writes)) {
          this.#replace(stateName, tensors[output]!);
          delete tensors[output];
          delete results[output];
        }
        return results;
      } finally {
        for (const tensor of Object.values(tensors)) tensor.dispose();
        for (const { extremes } of lateChecks) extremes.dispose();
      }
    });
  }

  read(names: readonly string[] = Object.keys(this.spec)): Promise<Tensors> {
    return this.#inOrder("read", async () => {
      const copies: Record<string, TensorData> = {};
      for (const name of names) {
        const tensor = this.#state.get(name);
        if (tensor === undefined) throw new InputError(`state "${name}" does not exist in this session`);
        copies[name] = await toHost(name, tensor, this.spec[name]!.type);
      }
      return copies;
    });
  }

  write(state: Tensors): Promise<void> {
    return this.#inOrder("write", () => {
      checkState(this.spec, state);
      for (const [name, tensor] of Object.entries(state)) this.#replace(name, toDevice(this.device.tf, tensor));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last;
    for (const tensor of this.#state.values()) tensor.dispose();
    this.#state.clear();
    for (const program of this.#programs.values()) program.dispose();
  }

  #replace(name: string, tensor: DeviceTensor): void {
    this.#state.get(name)!.dispose();
    this.#state.set(name, tensor);
  }

  #inOrder<T>(action: string, body: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#disposed) throw new InputError(`cannot ${action}: the session is disposed`);
      this.device.activate();
      return body();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
