import { type AnyNode, type Graph, producersOf, traitsOf, type ValueId } from "asl-core";
import { loweringOf } from "../lower/table.js";

/** That a node reads a value, by way of movements that are not computed by themselves. */
export interface Read {
  /** A value that some kernel stores or that is there from the start. */
  readonly source: ValueId;
  /** Element i of the result needs element i of the source only. */
  readonly isDirect: boolean;
}

/** Which nodes compute and what they read, movements looked through. */
export interface Reads {
  /** Nodes that kernels are made of, in order: those that compute, and movements whose result must lie in a buffer. */
  readonly nodes: readonly AnyNode[];
  /** What each of these nodes reads; two reads of one value at different places are two. */
  of(node: AnyNode): readonly Read[];
  /** Views and movements between a node and what it reads. */
  between(node: AnyNode): readonly AnyNode[];
}

export interface ReadsOptions {
  /** Values that must lie in buffers: outputs. */
  readonly isRequired: (value: ValueId) => boolean;
  /** Values that need no buffer: constants that repeat one number. */
  readonly isFree: (value: ValueId) => boolean;
  /** Sources that one movement may look through to. */
  readonly mostSources: number;
  /** Sources that one kernel may read. */
  readonly mostReads: number;
}

export function readsOf(graph: Graph, { isRequired, isFree, mostSources, mostReads }: ReadsOptions): Reads {
  const producers = producersOf(graph);
  const stored = new Set<ValueId>();
  const seen = new Map<ValueId, readonly Read[]>();

  /** What reading the value comes down to. */
  const through = (id: ValueId): readonly Read[] => {
    const known = seen.get(id);
    if (known !== undefined) return known;
    const reads = lookThrough(id);
    seen.set(id, reads);
    return reads;
  };
  const lookThrough = (id: ValueId): readonly Read[] => {
    if (isFree(id)) return [];
    const node = producers[id];
    if (node === undefined || stored.has(id) || loweringOf(node.op).kind !== "movement") {
      return [{ source: id, isDirect: true }];
    }
    const sources = node.inputs.flatMap((input) => through(input));
    return traitsOf(node.op).view ? sources : sources.map((read) => ({ ...read, isDirect: false }));
  };

  const sourcesOf = (ids: readonly ValueId[]) => new Set(ids.flatMap((id) => through(id)).map(({ source }) => source));
  /** Those of a movement's arguments that read most are stored until one kernel can read them all. */
  const storeInputs = (inputs: readonly ValueId[]): void => {
    const byReads = [...inputs].sort((a, b) => sourcesOf([b]).size - sourcesOf([a]).size);
    for (const id of byReads) {
      if (sourcesOf(inputs).size <= mostReads) return;
      stored.add(behindViews(id, producers));
      seen.clear();
    }
  };

  const isOperand = operandsOf(graph);
  for (const { op, inputs, output } of graph.nodes) {
    const lowering = loweringOf(op);
    if (lowering.kind !== "movement" || traitsOf(op).view) continue;
    const sources = sourcesOf(inputs);
    // branches would be taken again for every product
    if (isRequired(output) || sources.size > mostSources || (lowering.branches && isOperand(output)))
      stored.add(output);
    if (sources.size > mostReads) storeInputs(inputs);
  }
  const nodes = graph.nodes.filter(({ op, output }) => {
    const { kind } = loweringOf(op);
    return kind === "movement" ? stored.has(output) : kind !== "constant";
  });
  const of = (node: AnyNode) => {
    const isElementwise = loweringOf(node.op).kind === "elementwise";
    const reads = node.inputs.flatMap((input) => through(input));
    return isElementwise ? reads : reads.map((read) => ({ ...read, isDirect: false }));
  };
  return { nodes, of: once(of), between: once((node) => movementsOf(node, producers, stored)) };
}

/** The value that views of it come from. */
function behindViews(id: ValueId, producers: readonly (AnyNode | undefined)[]): ValueId {
  const producer = producers[id];
  return producer !== undefined && traitsOf(producer.op).view ? behindViews(producer.inputs[0]!, producers) : id;
}

/** Whether a contraction reads a value, directly or by way of movements. */
function operandsOf(graph: Graph): (value: ValueId) => boolean {
  const operands = new Set<ValueId>();
  for (const { op, inputs, output } of [...graph.nodes].reverse()) {
    const passesOn = loweringOf(op).kind === "movement" && operands.has(output);
    if (passesOn || traitsOf(op).contraction === true) for (const input of inputs) operands.add(input);
  }
  return (value) => operands.has(value);
}

function movementsOf(node: AnyNode, producers: readonly (AnyNode | undefined)[], stored: ReadonlySet<ValueId>) {
  const found = new Set<AnyNode>();
  const visit = (id: ValueId): void => {
    const producer = producers[id];
    if (producer === undefined || stored.has(id) || found.has(producer)) return;
    if (loweringOf(producer.op).kind !== "movement") return;
    producer.inputs.forEach(visit);
    found.add(producer);
  };
  node.inputs.forEach(visit);
  return [...found];
}

function once<T>(compute: (node: AnyNode) => T): (node: AnyNode) => T {
  const known = new Map<AnyNode, T>();
  return (node) => {
    const value = known.get(node) ?? compute(node);
    known.set(node, value);
    return value;
  };
}
