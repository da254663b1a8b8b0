import type { Graph, ValueId } from "../graph/graph.js";
import { GraphWriter } from "./graph-writer.js";

/** The graph with every concat of more than `mostParts` (at least 2) made of concats of as many, one after the other. */
export function splitConcats(graph: Graph, mostParts: number): Graph {
  if (!graph.nodes.some(({ op, inputs }) => op === "concat" && inputs.length > mostParts)) return graph;
  const writer = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (node.op !== "concat" || node.inputs.length <= mostParts) {
      writer.copy(node);
      continue;
    }
    const { attrs, scope } = node;
    let parts: readonly ValueId[] = writer.translate(node.inputs);
    while (parts.length > 1) {
      const chunks = Array.from({ length: Math.ceil(parts.length / mostParts) }, (_, i) =>
        parts.slice(i * mostParts, (i + 1) * mostParts),
      );
      parts = chunks.map((chunk) => (chunk.length === 1 ? chunk[0]! : writer.apply("concat", chunk, attrs, scope)));
    }
    writer.replace(node.output, parts[0]!);
  }
  return writer.finish();
}
