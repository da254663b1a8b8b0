import { type AnyNode, type Graph, type Program, producersOf, sizeOf, traitsOf, type ValueId } from "asl-core";
import { isKernelOp } from "../wasm/instructions.js";

/** Where a kernel finds a tensor of its own size. */
export type TensorSource =
  | { readonly kind: "state"; readonly name: string }
  /** An output of the cut graph. */
  | { readonly kind: "output"; readonly name: string };

/** Where a kernel finds a number. */
export type ScalarSource =
  | { readonly kind: "state"; readonly name: string }
  | { readonly kind: "feed"; readonly name: string }
  | { readonly kind: "output"; readonly name: string }
  | { readonly kind: "constant"; readonly value: number };

export interface KernelWrite {
  readonly state: string;
  readonly value: ValueId;
}

/** Elementwise nodes over tensors of one size that are computed together, element by element, in place. */
export interface UpdateGroup {
  readonly size: number;
  /** In topological order; views (reshape, stopGradient) included. */
  readonly nodes: readonly AnyNode[];
  readonly tensors: ReadonlyMap<ValueId, TensorSource>;
  readonly scalars: ReadonlyMap<ValueId, ScalarSource>;
  readonly writes: readonly KernelWrite[];
}

export interface Partition {
  /** The program's graph with the updates cut off: its outputs are what the caller and the updates need. */
  readonly graph: Graph;
  readonly groups: readonly UpdateGroup[];
  /** State that takes an output of the cut graph as it is: state name -> output name. */
  readonly copies: Readonly<Record<string, string>>;
}

/**
 * Splits a program into a graph and in-place updates. An update is the elementwise end of the graph between state,
 * results of the graph (gradients), scalars, and written state. A node goes into an update when nothing but updates
 * reads it, it is elementwise (or a view) and its tensors have the written tensor's size.
 */
export function partitionUpdates(program: Program): Partition {
  const { graph } = program;
  const kept = keptOutputs(program);
  const roots = Object.entries(program.writes).map(([output, state]) => ({ state, value: graph.outputs[output]! }));
  const isReal = ({ value }: KernelWrite) => graph.types[value]!.dtype === "f32";
  const needed = [...Object.values(kept), ...roots.filter((root) => !isReal(root)).map(({ value }) => value)];
  const cut = new Cut(program, new Set(needed), new Set(roots.filter(isReal).map(({ value }) => value)));

  const outputs: Record<string, ValueId> = { ...kept };
  const outputOf = (value: ValueId): string => {
    const name = `update/%${value}`;
    outputs[name] = value;
    return name;
  };
  const copies: Record<string, string> = {};
  const kernelWrites: KernelWrite[] = [];
  for (const { state, value } of roots) {
    if (!isReal({ state, value }) || cut.isComputedByGraph(value)) copies[state] = outputOf(value);
    else kernelWrites.push({ state, value });
  }
  const groups = groupWrites(kernelWrites, cut).map((writes) => cut.group(writes, outputOf));
  return { graph: { ...graph, outputs }, groups, copies };
}

/** Outputs that return to the caller or are checked before any state is written. */
function keptOutputs({ graph, writes, finite }: Program): Record<string, ValueId> {
  const kept = Object.entries(graph.outputs).filter(([name]) => !Object.hasOwn(writes, name) || finite.includes(name));
  return Object.fromEntries(kept);
}

/** Which values the graph computes and which the updates do. */
class Cut {
  readonly #producers: readonly (AnyNode | undefined)[];
  readonly #inputNames: ReadonlyMap<ValueId, string>;
  readonly #interior = new Set<ValueId>();
  readonly #reads: Readonly<Record<string, string>>;
  readonly graph: Graph;

  constructor(program: Program, kept: ReadonlySet<ValueId>, written: ReadonlySet<ValueId>) {
    this.graph = program.graph;
    this.#reads = program.reads;
    this.#producers = producersOf(this.graph);
    this.#inputNames = new Map(Object.entries(this.graph.inputs).map(([name, id]) => [id, name]));
    const needed = new Set(kept);
    const wanted = new Set(written);
    // Consumers come before producers here, so a node's fate is known when it is reached.
    for (const node of [...this.graph.nodes].reverse()) {
      const { output } = node;
      // A truth value is cheaper compared again than handed over.
      const isComparison = this.graph.types[output]!.dtype === "bool";
      const isInterior = wanted.has(output) && (!needed.has(output) || isComparison) && this.#mayUpdate(node);
      const isNeeded = needed.has(output) || (wanted.has(output) && !isInterior);
      if (isInterior) this.#interior.add(output);
      for (const input of node.inputs) {
        // The number under a broadcast is left to the graph.
        if (isInterior && node.op !== "broadcast") wanted.add(input);
        else if (isInterior || isNeeded) needed.add(input);
        if (isNeeded) needed.add(input);
      }
    }
  }

  /** The graph's own work: neither part of an update nor plain state. */
  isComputedByGraph(value: ValueId): boolean {
    return !this.#interior.has(value) && this.#stateOf(value) === undefined;
  }

  /** Nodes inside updates on which a value depends, and the tensors and numbers from outside that they read. */
  closure(value: ValueId): Closure {
    const nodes = new Set<ValueId>();
    const tensors = new Set<ValueId>();
    const scalars = new Set<ValueId>();
    const visit = (id: ValueId): void => {
      if (!this.#interior.has(id)) {
        tensors.add(id);
        return;
      }
      if (nodes.has(id)) return;
      nodes.add(id);
      const node = this.#producers[id]!;
      if (node.op === "broadcast") scalars.add(node.inputs[0]!);
      else for (const input of node.inputs) visit(input);
    };
    visit(value);
    return { nodes, tensors, scalars };
  }

  stateOfTensor(value: ValueId): string | undefined {
    return this.#stateOf(value);
  }

  group(writes: readonly KernelWrite[], outputOf: (value: ValueId) => string): UpdateGroup {
    const closures = writes.map(({ value }) => this.closure(value));
    const union = (pick: (closure: Closure) => ReadonlySet<ValueId>): ValueId[] =>
      [...new Set(closures.flatMap((closure) => [...pick(closure)]))].sort((a, b) => a - b);
    const nodes = new Set(union((closure) => closure.nodes));
    return {
      size: sizeOf(this.graph.types[writes[0]!.value]!.shape),
      nodes: this.graph.nodes.filter((node) => nodes.has(node.output)),
      tensors: new Map(union((closure) => closure.tensors).map((id) => [id, this.#tensorSource(id, outputOf)])),
      scalars: new Map(union((closure) => closure.scalars).map((id) => [id, this.#scalarSource(id, outputOf)])),
      writes,
    };
  }

  #tensorSource(value: ValueId, outputOf: (value: ValueId) => string): TensorSource {
    const name = this.#stateOf(value);
    return name === undefined ? { kind: "output", name: outputOf(value) } : { kind: "state", name };
  }

  #scalarSource(value: ValueId, outputOf: (value: ValueId) => string): ScalarSource {
    const state = this.#stateOf(value);
    if (state !== undefined) return { kind: "state", name: state };
    const feed = this.#inputNames.get(value);
    if (feed !== undefined) return { kind: "feed", name: feed };
    const node = this.#producers[value]!;
    if (node.op === "constant") return { kind: "constant", value: node.attrs.value.data[0]! };
    return { kind: "output", name: outputOf(value) };
  }

  #stateOf(value: ValueId): string | undefined {
    const input = this.#inputNames.get(value);
    return input === undefined ? undefined : this.#reads[input];
  }

  /** Elementwise arithmetic, views, and numbers repeated to the tensor's size. */
  #mayUpdate(node: AnyNode): boolean {
    const type = (value: ValueId) => this.graph.types[value]!;
    if (node.op === "broadcast") return type(node.output).dtype === "f32" && sizeOf(type(node.inputs[0]!).shape) === 1;
    if (traitsOf(node.op).view === true) return type(node.output).dtype === "f32";
    if (!isKernelOp(node.op)) return false;
    if (node.op !== "select") return true;
    const condition = this.#producers[node.inputs[0]!];
    return type(node.output).dtype === "f32" && (condition?.op === "less" || condition?.op === "equal");
  }
}

interface Closure {
  readonly nodes: ReadonlySet<ValueId>;
  readonly tensors: ReadonlySet<ValueId>;
  readonly scalars: ReadonlySet<ValueId>;
}

/** Writes that share a node, or of which one reads what another writes, must advance together. */
function groupWrites(writes: readonly KernelWrite[], cut: Cut): KernelWrite[][] {
  const parents = writes.map((_, i) => i);
  const find = (i: number): number => (parents[i] === i ? i : find(parents[i]!));
  const firstWith = new Map<ValueId | string, number>();
  const join = (key: ValueId | string, i: number): void => {
    const first = firstWith.get(key);
    if (first === undefined) firstWith.set(key, i);
    else parents[find(i)] = find(first);
  };
  const written = new Set(writes.map(({ state }) => state));
  writes.forEach(({ state, value }, i) => {
    const { nodes, tensors } = cut.closure(value);
    join(state, i);
    // Values and state names cannot be confused: one is a number, the other a string.
    for (const node of nodes) join(node, i);
    // Numbers are read before any kernel runs; only tensors tie groups together.
    for (const leaf of tensors) {
      const read = cut.stateOfTensor(leaf);
      if (read !== undefined && written.has(read)) join(read, i);
    }
  });
  const groups = new Map<number, KernelWrite[]>();
  writes.forEach((write, i) => {
    const root = find(i);
    groups.set(root, [...(groups.get(root) ?? []), write]);
  });
  return [...groups.values()];
}
