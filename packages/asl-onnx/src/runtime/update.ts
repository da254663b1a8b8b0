import type { Program, TensorData, Tensors } from "asl-core";
import { addressOrder, compileKernels, type Kernel, type NumberSource, numberOrder } from "../update/kernel.js";
import type { Partition, UpdateGroup } from "../update/partition.js";
import type { PlacedTensor, WasmLayout, WasmState } from "./wasm-state.js";

/** The in-place part of a program: reads outputs of the graph from `staged`, writes state. */
export class InPlaceUpdate {
  /** Memory for the outputs that kernels read, by output name. */
  readonly staged = new Map<string, PlacedTensor>();
  readonly #partition: Partition;
  #kernels: readonly Kernel[] = [];

  /** Reserves memory for staged outputs; programs run one at a time, so each may use the same place. */
  constructor(program: Program, partition: Partition, layout: WasmLayout) {
    this.#partition = partition;
    const start = layout.position;
    for (const group of partition.groups) {
      for (const source of group.tensors.values()) {
        if (source.kind !== "output" || this.staged.has(source.name)) continue;
        const type = program.graph.types[partition.graph.outputs[source.name]!]!;
        layout.reserve(type, (tensor) => this.staged.set(source.name, tensor));
      }
    }
    layout.rewind(start);
  }

  async compile(memory: WebAssembly.Memory): Promise<void> {
    this.#kernels = await compileKernels(this.#partition.groups, memory);
  }

  /** Advances the state. `results` are the outputs of the cut graph that are not staged. */
  run(state: WasmState, feeds: Tensors, results: Tensors): void {
    const { groups, copies } = this.#partition;
    // All numbers first: they are those from before the step.
    const numbers = groups.map((group) =>
      numberOrder(group).map((source) => this.#number(source, state, feeds, results)),
    );
    for (const [i, group] of groups.entries()) this.#runGroup(group, this.#kernels[i]!, numbers[i]!, state);
    if (groups.length > 0) state.changed();
    for (const [name, output] of Object.entries(copies)) {
      state.replace(name, (this.staged.get(output) ?? results[output]!).data);
    }
  }

  #runGroup(group: UpdateGroup, kernel: Kernel, numbers: readonly number[], state: WasmState): void {
    if (group.size === 0) return;
    const addresses = addressOrder(group).map(({ kind, name }) =>
      kind === "state" ? state.get(name).address : this.staged.get(name)!.address,
    );
    kernel(group.size * Float32Array.BYTES_PER_ELEMENT, ...addresses, ...numbers);
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
