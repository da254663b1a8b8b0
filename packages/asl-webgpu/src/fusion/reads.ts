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
}

export function readsOf(graph: Graph, { isRequired, isFree, mostSources }: ReadsOptions): Reads {
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

  const isOperand = operandsOf(graph);
  const nodes = graph.nodes.filter(({ op, inputs, output }) => {
    const lowering = loweringOf(op);
    if (lowering.kind !== "movement") return lowering.kind !== "constant";
    if (traitsOf(op).view) return false;
    const sources = new Set(inputs.flatMap((input) => through(input)).map(({ source }) => source));
    // branches would be taken again for every product
    const isStored = isRequired(output) || sources.size > mostSources || (lowering.branches && isOperand(output));
    if (isStored) stored.add(output);
    return isStored;
  });
  const of = (node: AnyNode) => {
    const isElementwise = loweringOf(node.op).kind === "elementwise";
    const reads = node.inputs.flatMap((input) => through(input));
    return isElementwise ? reads : reads.map((read) => ({ ...read, isDirect: false }));
  };
  return { nodes, of: once(of), between: once((node) => movementsOf(node, producers, stored)) };
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
