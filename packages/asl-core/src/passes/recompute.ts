import { type AnyNode, type Graph, producersOf, type ValueId } from "../graph/graph.js";
import { eliminateDeadCode, neededValues } from "./dead-code.js";
import { GraphWriter } from "./graph-writer.js";

/** A graph and the number of its nodes that come before the late ones. */
export interface CutGraph {
  readonly graph: Graph;
  readonly cut: number;
}

/**
 * The graph whose nodes from number `cut` on read `values`, which earlier nodes make, as made a second time: right before
 * the first of those readers, from what is made a second time itself and from what is not. Constants and
 * outputs of the graph are made once, and what nothing late reads. Every bit stays. Equal nodes on the two sides of the
 * cut must not be merged afterwards.
 */
export function recompute({ graph, cut }: CutGraph, values: ReadonlySet<ValueId>): CutGraph {
  const writer = new GraphWriter(graph);
  const producers = producersOf(graph);
  const once = new Set<ValueId>(Object.values(graph.outputs));
  /** Nodes that are still to be repeated, by what they make. */
  const pending = new Map<ValueId, AnyNode>();
  for (const node of graph.nodes.slice(0, cut)) {
    writer.copy(node);
    if (values.has(node.output) && !once.has(node.output) && node.op !== "constant") pending.set(node.output, node);
  }
  for (const node of graph.nodes.slice(cut)) {
    for (const repeated of ancestorsIn(pending, node, producers)) writer.copy(repeated);
    writer.copy(node);
  }
  const changed = writer.finish();
  const needed = neededValues(changed);
  const earlyNodes = changed.nodes.slice(0, cut).filter(({ output }) => needed.has(output));
  return { graph: eliminateDeadCode(changed), cut: earlyNodes.length };
}

/** Takes those of `pending` out that a node needs, by way of one another, in their order. */
function ancestorsIn(
  pending: Map<ValueId, AnyNode>,
  { inputs }: AnyNode,
  producers: readonly (AnyNode | undefined)[],
): AnyNode[] {
  const found: AnyNode[] = [];
  const open = [...inputs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (!pending.delete(id)) continue;
    const node = producers[id]!;
    found.push(node);
    open.push(...node.inputs);
  }
  return found.sort((a, b) => a.output - b.output);
}
