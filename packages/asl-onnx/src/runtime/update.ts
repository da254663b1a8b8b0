import type { Program, StateSpec, TensorData, Tensors } from "asl-core";
import { type Call, type Runner, runAlone, type Threads } from "../threads/calls.js";
import { addressOrder, kernelsOf, type NumberSource, numberOrder } from "../update/kernel.js";
import { type Partition, partitionUpdates, type UpdateGroup } from "../update/partition.js";
import { wasmModule } from "../wasm/module.js";
import { PAGE_BYTES, type PlacedTensor, WasmLayout, WasmState } from "./wasm-state.js";

/** What one call runs over of each tensor: long enough for the processor to read ahead, short enough to be shared out. */
const PART_BYTES = 2 ** 19;

/** What a thread must move in a step to be worth waking. */
const LEAST_BYTES = 2 ** 22;

/** The in-place updates of all programs of a session, over one memory. */
export class InPlaceUpdates {
  readonly state: WasmState;
  readonly programs: ReadonlyMap<string, InPlaceUpdate>;
  readonly #layout = new WasmLayout();

  /** Lays state and staged outputs out; nothing is allocated before `start`. */
  constructor(spec: StateSpec, programs: Readonly<Record<string, Program>>) {
    this.state = new WasmState(spec, this.#layout);
    const updates = Object.entries(programs).map(
      ([name, program], job) => [name, new InPlaceUpdate(program, job, this.#layout)] as const,
    );
    this.programs = new Map(updates);
  }

  /** More threads would not pay. */
  get mostThreads(): number {
    const most = Math.max(0, ...[...this.programs.values()].map(({ bytesMoved }) => bytesMoved));
    return Math.max(1, Math.floor(most / LEAST_BYTES));
  }

  /** Allocates the memory and compiles the kernels. With `threads` the memory is shared with them. */
  async start(threads?: Threads): Promise<Pick<Runner, "release">> {
    const count = Math.min(threads?.count ?? 1, this.mostThreads);
    const shared = count > 1;
    const memory = this.#layout.allocate(shared);
    const updates = [...this.programs.values()];
    const { functions, chosen } = kernelsOf(updates.flatMap(({ partition }) => partition.groups));
    const pages = memory.buffer.byteLength / PAGE_BYTES;
    const module = await WebAssembly.compile(wasmModule(functions, shared ? pages : undefined));
    const jobs = updates.map((update) => update.calls(this.state, chosen.splice(0, update.partition.groups.length)));
    const work = { module, memory, jobs };
    const runner = shared ? await threads!.start(work, count) : runAlone(work);
    for (const update of updates) update.runner = runner;
    return runner;
  }
}

/** The in-place part of a program: reads outputs of the graph from `staged`, writes state. */
export class InPlaceUpdate {
  /** Memory for the outputs that kernels read, by output name. */
  readonly staged = new Map<string, PlacedTensor>();
  readonly partition: Partition;
  runner: Runner | undefined;
  /** Where groups find numbers: they change from step to step, and threads read them. Groups with the same share one. */
  readonly #numbers = new Map<string, { readonly sources: readonly NumberSource[]; place?: PlacedTensor }>();

  /** Reserves memory for staged outputs and numbers; programs run one at a time, so each may use the same place. */
  constructor(
    program: Program,
    private readonly job: number,
    layout: WasmLayout,
  ) {
    this.partition = partitionUpdates(program);
    const start = layout.position;
    for (const group of this.partition.groups) {
      for (const source of group.tensors.values()) {
        if (source.kind !== "output" || this.staged.has(source.name)) continue;
        const type = program.graph.types[this.partition.graph.outputs[source.name]!]!;
        layout.reserve(type, (tensor) => this.staged.set(source.name, tensor));
      }
      const sources = numberOrder(group);
      const key = keyOf(sources);
      if (this.#numbers.has(key)) continue;
      const numbers: { readonly sources: readonly NumberSource[]; place?: PlacedTensor } = { sources };
      this.#numbers.set(key, numbers);
      layout.reserve({ dtype: "f32", shape: [sources.length] }, (tensor) => {
        numbers.place = tensor;
      });
    }
    layout.rewind(start);
  }

  /** By all kernels of a step. */
  get bytesMoved(): number {
    return this.partition.groups.reduce(
      (sum, group) => sum + bytesOf(group) * (group.tensors.size + group.writes.length),
      0,
    );
  }

  /** What a step calls, in any order: tensors in parts, every element in one of them. */
  calls(state: WasmState, kernels: readonly number[]): Call[] {
    return this.partition.groups.flatMap((group, i) => {
      const addresses = addressOrder(group).map(({ kind, name }) =>
        kind === "state" ? state.get(name).address : this.staged.get(name)!.address,
      );
      const numbers = this.#numbers.get(keyOf(numberOrder(group)))!.place!.address;
      const bytes = bytesOf(group);
      return Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, part): Call => {
        const from = part * PART_BYTES;
        const length = Math.min(PART_BYTES, bytes - from);
        return [kernels[i]!, length, ...addresses.map((address) => address + from), numbers];
      });
    });
  }

  /** Advances the state. `results` are the outputs of the cut graph that are not staged. */
  run(state: WasmState, feeds: Tensors, results: Tensors): void {
    const { groups, copies } = this.partition;
    // All numbers first: they are those from before the step.
    for (const { sources, place } of this.#numbers.values()) {
      place!.data.set(sources.map((source) => this.#number(source, state, feeds, results)));
    }
    try {
      this.runner!.run(this.job);
    } catch (error) {
      state.lose(error);
      throw error;
    }
    if (groups.length > 0) state.changed();
    for (const [name, output] of Object.entries(copies)) {
      state.replace(name, (this.staged.get(output) ?? results[output]!).data);
    }
  }

  #number(source: NumberSource, state: WasmState, feeds: Tensors, results: Tensors): number {
    const tensors: Record<typeof source.kind, () => TensorData> = {
      state: () => state.get(source.name),
      feed: () => feeds[source.name]!,
      output: () => this.staged.get(source.name) ?? results[source.name]!,
    };
    return tensors[source.kind]().data[0]!;
  }
}

const bytesOf = ({ size }: UpdateGroup): number => size * Float32Array.BYTES_PER_ELEMENT;

const keyOf = (sources: readonly NumberSource[]): string => JSON.stringify(sources);
