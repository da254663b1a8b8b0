import { type AnyNode, type Graph, producersOf, type ValueId } from "../graph/graph.js";
import { traitsOf } from "../ops/table.js";
import { flopsOf } from "./flops.js";
import type { CutGraph } from "./recompute.js";

/** One unit of a backend's work: a node, or all nodes of a fused kernel. */
export interface Step {
  /** Values that it reads and makes in memory; what lives inside of a step only is in neither. */
  readonly reads: readonly ValueId[];
  readonly writes: readonly ValueId[];
}

/** How a backend would run a graph. */
export interface ExecutionPlan {
  /** In order. */
  readonly steps: readonly Step[];
  /** Bytes of each value between steps that shares memory with others; inputs, constants and state are not among them. */
  readonly bytes: ReadonlyMap<ValueId, number>;
  /** What the backend reserves for them all. */
  readonly plannedBytes: number;
}

/** A value between steps that a step before the cut makes. */
export interface EarlyValue {
  readonly id: ValueId;
  readonly bytes: number;
  /** Step that makes it, and the last early one that reads it. */
  readonly made: number;
  readonly lastEarly: number;
  /** First and last step behind the cut that read it; infinity and -1 where none does. */
  readonly firstLate: number;
  readonly lastLate: number;
  /** An output of the graph: stays to the end, and is never made again. */
  readonly isPinned: boolean;
  /** Numbers of the values that making it again reads, and what it costs. */
  readonly sources: readonly number[];
  readonly flops: number;
}

/** Numbers of early values that are not kept for late steps but made again. */
export type Dropped = ReadonlySet<number>;

/** What a choice of values that are made again comes to, without planning it. */
export class MemoryModel {
  /** In the order in which they are made: none is made from a later one. */
  readonly values: readonly EarlyValue[];
  /** Changes of the live bytes from step to step, by the values that every choice leaves alone. */
  readonly #fixed: Float64Array;
  /** Values before the cut that lie inside of steps only. */
  readonly #passing: readonly ValueId[];
  readonly #steps: number;
  /** First and last late step at which each value is needed; scratch of `liveBytes`. */
  readonly #first: Float64Array;
  readonly #last: Float64Array;

  /** No step has nodes of both sides of the cut. */
  constructor({ graph, cut }: CutGraph, { steps, bytes }: ExecutionPlan) {
    const inMemory = new Set<ValueId>(Object.values(graph.inputs));
    for (const { op, output } of graph.nodes) if (op === "constant") inMemory.add(output);
    for (const { reads, writes } of steps) for (const id of [...reads, ...writes]) inMemory.add(id);
    this.#passing = graph.nodes.slice(0, cut).flatMap(({ output }) => (inMemory.has(output) ? [] : [output]));
    this.#steps = steps.length;
    this.#fixed = new Float64Array(steps.length + 1);

    const firstLateValue = graph.nodes[cut]?.output ?? graph.types.length;
    const firstLateStep = steps.findIndex(({ writes }) => writes.some((id) => id >= firstLateValue));
    const pinned = pinnedOf(graph);
    const producers = producersOf(graph);
    const uses = new Map<ValueId, number[]>();
    steps.forEach(({ reads, writes }, step) => {
      for (const id of writes) if (bytes.has(id)) uses.set(id, [step]);
      for (const id of reads) uses.get(id)?.push(step);
    });
    const numbers = new Map<ValueId, number>();
    const values: EarlyValue[] = [];
    for (const [id, used] of [...uses].sort(([a], [b]) => a - b)) {
      const isPinned = pinned.has(id);
      if (id >= firstLateValue) {
        change(this.#fixed, used[0]!, isPinned ? steps.length - 1 : Math.max(...used), bytes.get(id)!);
        continue;
      }
      const late = used.filter((step) => step >= firstLateStep);
      const { nodes, sources } = coneOf(id, producers, inMemory);
      numbers.set(id, values.length);
      values.push({
        id,
        bytes: bytes.get(id)!,
        made: used[0]!,
        lastEarly: Math.max(...used.filter((step) => step < firstLateStep)),
        firstLate: Math.min(Number.POSITIVE_INFINITY, ...late),
        lastLate: Math.max(-1, ...late),
        isPinned,
        sources: sources.flatMap((source) => numbers.get(source) ?? []),
        flops: nodes.reduce((sum, node) => sum + flopsOf(node, graph.types), 0),
      });
    }
    this.values = values;
    this.#first = new Float64Array(values.length);
    this.#last = new Float64Array(values.length);
  }

  /** Numbers of the values that late steps read, or that making dropped ones again reads. */
  waiting(dropped: Dropped): ReadonlySet<number> {
    const waiting = new Set<number>();
    for (let i = this.values.length - 1; i >= 0; i--) {
      const { lastLate, sources } = this.values[i]!;
      if (lastLate >= 0) waiting.add(i);
      if (dropped.has(i) && waiting.has(i)) for (const source of sources) waiting.add(source);
    }
    return waiting;
  }

  /** For `recompute`: the dropped values, and all that lives inside of early steps, which is made where it is needed. */
  repeated(dropped: Dropped): Set<ValueId> {
    return new Set([...this.#passing, ...[...dropped].map((i) => this.values[i]!.id)]);
  }

  /** Bytes that are alive at each step when `dropped` are made again, each as late as it can be. */
  liveBytes(dropped: Dropped): Float64Array {
    const [first, last] = [this.#first.fill(Number.POSITIVE_INFINITY), this.#last.fill(-1)];
    const live = this.#fixed.slice();
    for (let i = this.values.length - 1; i >= 0; i--) {
      const { bytes, made, lastEarly, firstLate, lastLate, isPinned, sources } = this.values[i]!;
      const start = Math.min(firstLate, first[i]!);
      const end = Math.max(lastLate, last[i]!);
      if (end < 0 || isPinned || !dropped.has(i)) {
        change(live, made, isPinned ? this.#steps - 1 : Math.max(lastEarly, end), bytes);
        continue;
      }
      change(live, made, lastEarly, bytes);
      change(live, start, end, bytes);
      for (const source of sources) {
        first[source] = Math.min(first[source]!, start);
        last[source] = Math.max(last[source]!, start);
      }
    }
    for (let step = 1; step < live.length; step++) live[step]! += live[step - 1]!;
    return live.subarray(0, this.#steps);
  }
}

/** `bytes` are alive from step `first` to step `last`. */
function change(changes: Float64Array, first: number, last: number, bytes: number): void {
  changes[first]! += bytes;
  changes[last + 1]! -= bytes;
}

/** Values that are outputs, views looked through. */
function pinnedOf(graph: Graph): Set<ValueId> {
  const pinned = new Set<ValueId>(Object.values(graph.outputs));
  for (const { op, inputs, output } of [...graph.nodes].reverse()) {
    if (traitsOf(op).view === true && pinned.has(output)) pinned.add(inputs[0]!);
  }
  return pinned;
}

/** The nodes between a value and what lies in memory. */
function coneOf(id: ValueId, producers: readonly (AnyNode | undefined)[], inMemory: ReadonlySet<ValueId>) {
  const nodes = new Set<AnyNode>([producers[id]!]);
  const sources = new Set<ValueId>();
  // a set is walked through while it grows
  for (const { inputs } of nodes) {
    for (const input of inputs) {
      if (inMemory.has(input)) sources.add(input);
      else nodes.add(producers[input]!);
    }
  }
  return { nodes: [...nodes], sources: [...sources] };
}
