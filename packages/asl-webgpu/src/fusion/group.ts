import { type AnyNode, type Graph, sizeOf, traitsOf, type ValueId } from "asl-core";
import type { Group } from "../kernel/compile-group.js";

/** A graph cut into kernels, in an order in which they can run. */
export interface Grouping {
  readonly groups: readonly Group[];
  /** Values that lie in buffers: inputs, constants, and what the groups store. */
  readonly stored: ReadonlySet<ValueId>;
}

/** A kernel for each node. */
export function separateGroups(graph: Graph): Grouping {
  const stored = new Set<ValueId>(Object.values(graph.inputs));
  const groups: Group[] = [];
  for (const node of graph.nodes) {
    if (traitsOf(node.op).view) continue;
    stored.add(node.output);
    if (node.op === "constant" || sizeOf(graph.types[node.output]!.shape) === 0) continue;
    groups.push({ head: isHead(node) ? node : undefined, nodes: [node], stores: [node.output] });
  }
  return { groups, stored };
}

const isHead = ({ op }: AnyNode) => traitsOf(op).contraction === true || op.startsWith("reduce");
