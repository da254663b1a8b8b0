import { type AnyNode, type Graph, sizeOf, traitsOf, type ValueId } from "asl-core";
import type { Group } from "../kernel/compile-group.js";
import { type Draft, Drafts } from "./draft.js";
import { readsOf } from "./reads.js";

/** A graph cut into kernels, in an order in which they can run. */
export interface Grouping {
  readonly groups: readonly Group[];
  /** Values that lie in buffers: inputs, constants, and what the groups store. */
  readonly stored: ReadonlySet<ValueId>;
}

export interface GroupOptions {
  /** "none": a kernel for each node. Default: as much as one kernel can do. */
  readonly fusion?: "none" | "full";
  /** Buffers that one kernel may bind. */
  readonly mostBuffers: number;
  /** Nodes from this one on are late: no kernel holds such and others. Default: none are. */
  readonly cut?: number;
  /** Constants that are written into the kernels. */
  readonly isSplat: (value: ValueId) => boolean;
}

/** Nodes of one kernel: more make compilers slow. */
const MOST_NODES = 64;
/** A value is computed where it is read if that is at most this many times for each of its elements. */
const MOST_READS = 1.5;

/**
 * Kernels of a graph. By traits, never by names of ops:
 * - movements are no kernels: whoever reads their result reads their argument at another place
 * - an elementwise op becomes part of the kernel that makes one of its arguments: of a contraction or reduction, what
 *   follows on its results (epilogue)
 * - what only one reduction, or one kernel by way of movements, reads is computed there (prologue)
 * unless kernels would then wait for one another.
 */
export function groupsOf(graph: Graph, { fusion = "full", mostBuffers, cut, isSplat }: GroupOptions): Grouping {
  const required = requiredOf(graph);
  const isRequired = (value: ValueId) => required.has(value);
  // an op has up to three arguments and one result
  const mostSources = fusion === "none" ? 0 : Math.floor((mostBuffers - 1) / 3);
  const reads = readsOf(graph, { isRequired, isFree: isSplat, mostSources, mostReads: mostBuffers - 1 });
  const lateFrom = (cut === undefined ? undefined : graph.nodes[cut]?.output) ?? graph.types.length;
  const drafts = new Drafts(graph.types, reads, isRequired, { mostBuffers, mostNodes: MOST_NODES, lateFrom });
  if (fusion === "full") {
    joinElementwise(drafts);
    absorbPrologues(graph, drafts);
  }
  const groups = inOrder(drafts).map((draft): Group => finished(draft, drafts));
  const stored = new Set<ValueId>(Object.values(graph.inputs));
  for (const { op, output } of graph.nodes) if (op === "constant") stored.add(output);
  for (const { stores } of groups) for (const value of stores) stored.add(value);
  return { groups: groups.filter(({ stores }) => sizeOf(graph.types[stores[0]!]!.shape) > 0), stored };
}

/** The values, views looked through, that are outputs. */
function requiredOf(graph: Graph): Set<ValueId> {
  const required = new Set<ValueId>(Object.values(graph.outputs));
  for (const { op, inputs, output } of [...graph.nodes].reverse()) {
    if (traitsOf(op).view && required.has(output)) required.add(inputs[0]!);
  }
  return required;
}

/** Joins each node to the makers of what it reads element by element. */
function joinElementwise(drafts: Drafts): void {
  for (const node of drafts.reads.nodes) {
    for (const { source, isDirect } of drafts.reads.of(node)) {
      const maker = drafts.of(source);
      if (isDirect && maker !== undefined) drafts.join(maker, drafts.of(node.output)!);
    }
  }
}

/** Moves what one kernel makes for one other kernel only into that one. */
function absorbPrologues(graph: Graph, drafts: Drafts): void {
  for (const draft of drafts.all) {
    if (draft.head !== undefined) continue;
    const [value, ...others] = drafts.storesOf(draft);
    if (value === undefined || others.length > 0) continue;
    const [reader, ...more] = drafts.readersOf(value);
    if (reader === undefined || more.length > 0 || Object.values(graph.outputs).includes(value)) continue;
    if (traitsOf(reader.node.op).contraction) continue;
    const consumer = drafts.of(reader.node.output)!;
    const times = readsPerElement(graph, drafts, value, reader.node, consumer);
    if (times <= MOST_READS) drafts.absorb(draft, consumer);
  }
}

function readsPerElement(graph: Graph, drafts: Drafts, value: ValueId, reader: AnyNode, consumer: Draft): number {
  const isReduction = consumer.head === reader;
  const read = isReduction ? sizeOf(graph.types[reader.inputs[0]!]!.shape) : drafts.sizeOf(consumer);
  return read / sizeOf(graph.types[value]!.shape);
}

/** Makers before readers. */
function inOrder(drafts: Drafts): Draft[] {
  const order: Draft[] = [];
  const visited = new Set<Draft>();
  const visit = (draft: Draft): void => {
    if (visited.has(draft)) return;
    visited.add(draft);
    for (const source of drafts.sourcesOf(draft)) {
      const maker = drafts.of(source);
      if (maker !== undefined) visit(maker);
    }
    order.push(draft);
  };
  for (const { output } of drafts.reads.nodes) visit(drafts.of(output)!);
  return order;
}

/** With the movements that its nodes look through. */
function finished(draft: Draft, drafts: Drafts): Group {
  const nodes = new Set<AnyNode>();
  for (const node of [...draft.nodes].sort((a, b) => a.output - b.output)) {
    for (const movement of drafts.reads.between(node)) nodes.add(movement);
    nodes.add(node);
  }
  return { head: draft.head, nodes: [...nodes], stores: drafts.storesOf(draft) };
}
