import type { Graph, ValueId } from "../graph/graph.js";
import { GraphWriter } from "./graph-writer.js";

/** The graph without the nodes that no output needs. All inputs stay, for they are the graph's signature. */
export function eliminateDeadCode(graph: Graph): Graph {
  const needed = neededValues(graph);
  const writer = new GraphWriter(graph);
  for (const node of graph.nodes) if (needed.has(node.output)) writer.copy(node);
  return writer.finish();
}

/** The values that outputs are made from, and the outputs. */
export function neededValues(graph: Graph): Set<ValueId> {
  const needed = new Set<ValueId>(Object.values(graph.outputs));
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (needed.has(node.output)) for (const input of node.inputs) needed.add(input);
  }
  return needed;
}
