import {
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
import { allocateElements, arithmeticOf, type Precision } from "./arithmetic.js";
import { copyOf, evaluate, represented } from "./evaluate.js";

export interface ReferenceBackendOptions {
  /** Arithmetic of all programs; the state is kept in the same precision. */
  readonly precision: Precision;
}

/** A Backend on the interpreter: slow, and right by definition. Name "reference-f64" or "reference-f32". */
export function referenceBackend({ precision }: ReferenceBackendOptions): Backend {
  return {
    name: `reference-${precision}`,
    async compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      for (const [name, program] of Object.entries<Program>(programs)) checkProgram(name, program, state);
      return new ReferenceSession<P>(state, programs, precision);
    },
  };
}

class ReferenceSession<P extends string> implements Session<P> {
  readonly #state = new Map<string, TensorData>();
  #disposed = false;

  constructor(
    private readonly spec: StateSpec,
    private readonly programs: Readonly<Record<P, Program>>,
    private readonly precision: Precision,
  ) {
    const arithmetic = arithmeticOf(precision);
    for (const [name, { type }] of Object.entries(spec)) {
      this.#state.set(name, { type, data: allocateElements(type.dtype, sizeOf(type.shape), arithmetic) });
    }
  }

  async run(name: P, feeds: Tensors): Promise<Tensors> {
    this.#requireOpen("run");
    const program = Object.hasOwn(this.programs, name) ? this.programs[name] : undefined;
    if (program === undefined) {
      throw new InputError(`no program is called "${name}"; this session has ${Object.keys(this.programs).join(", ")}`);
    }
    checkFeeds(name, program, feeds);
    const inputs: Record<string, TensorData> = { ...feeds };
    for (const [input, stateName] of Object.entries(program.reads)) inputs[input] = this.#stateOf(stateName);
    const outputs = evaluate(program.graph, inputs, { precision: this.precision });
    // Before any write: a step that went wrong leaves the state as it was.
    assertFinite(outputs, program.finite);
    const returned: Record<string, TensorData> = {};
    for (const [output, tensor] of Object.entries(outputs)) {
      const stateName = Object.hasOwn(program.writes, output) ? program.writes[output] : undefined;
      if (stateName === undefined) returned[output] = tensor;
      else this.#state.set(stateName, tensor);
    }
    return returned;
  }

  async read(names: readonly string[] = [...this.#state.keys()]): Promise<Tensors> {
    this.#requireOpen("read");
    return Object.fromEntries(names.map((name) => [name, copyOf(this.#stateOf(name))]));
  }

  async write(state: Tensors): Promise<void> {
    this.#requireOpen("write");
    checkState(this.spec, state);
    const arithmetic = arithmeticOf(this.precision);
    const written = Object.entries(state).map(
      ([name, tensor]) => [name, copyOf(represented(name, tensor, arithmetic))] as const,
    );
    for (const [name, tensor] of written) this.#state.set(name, tensor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#state.clear();
  }

  #stateOf(name: string): TensorData {
    const tensor = this.#state.get(name);
    if (tensor === undefined) throw new InputError(`state "${name}" does not exist in this session`);
    return tensor;
  }

  #requireOpen(method: string): void {
    if (this.#disposed) {
      throw new InputError(`${method}: this session is disposed; compile the programs again to get a new one`);
    }
  }
}
