import type { Graph } from "../graph/graph.js";
import { GraphWriter } from "./graph-writer.js";

/** The graph without the nodes that no output needs. All inputs stay, for they are the graph's signature. */
export function eliminateDeadCode(graph: Graph): Graph {
  const needed = new Set<number>(Object.values(graph.outputs));
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (needed.has(node.output)) for (const input of node.inputs) needed.add(input);
  }
  const writer = new GraphWriter(graph);
  for (const node of graph.nodes) if (needed.has(node.output)) writer.copy(node);
  return writer.finish();
}
