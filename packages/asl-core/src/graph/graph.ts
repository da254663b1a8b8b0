import type { AttrsOf, OpName } from "../ops/table.js";
import type { TensorType } from "../types/tensor.js";

/** Index into `Graph.types`. */
export type ValueId = number & { readonly __valueId: true };

/** One application of an op. */
export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
  readonly attrs: AttrsOf<K>;
  /** Where the node came from, e.g. "layer2.0.se"; goes into errors, profiles and ONNX node names. */
  readonly scope: string;
}

/** A node of any op, op and attributes paired. */
export type AnyNode = { [K in OpName]: Node<K> }[OpName];

/** Immutable, single assignment, in topological order. JSON form: `graphToJson`. */
export interface Graph {
  readonly inputs: Readonly<Record<string, ValueId>>;
  readonly outputs: Readonly<Record<string, ValueId>>;
  readonly nodes: readonly AnyNode[];
  /** Type of each value. */
  readonly types: readonly TensorType[];
}

/** The node that makes each value; undefined for graph inputs. */
export function producersOf(graph: Graph): (AnyNode | undefined)[] {
  const producers = new Array<AnyNode | undefined>(graph.types.length).fill(undefined);
  for (const node of graph.nodes) producers[node.output] = node;
  return producers;
}

/** The nodes that read each value, in order. */
export function consumersOf(graph: Graph): AnyNode[][] {
  const consumers: AnyNode[][] = graph.types.map(() => []);
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) consumers[input]!.push(node);
  }
  return consumers;
}
