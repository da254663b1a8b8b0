import { attributesToJson } from "../graph/attributes.js";
import type { AnyNode, Graph, ValueId } from "../graph/graph.js";
import { littleEndianBytes, storageOf } from "../graph/tensor-json.js";
import { traitsOf } from "../ops/table.js";
import { formatType, type TensorData } from "../types/tensor.js";
import { GraphWriter } from "./graph-writer.js";

/**
 * The graph with every computation done once: nodes of the same op, arguments and attributes become the first of them.
 * Arguments of commutative ops are compared in either order (a + b and b + a round to the same bits), constants by
 * their type and bits.
 */
export function eliminateCommonSubexpressions(graph: Graph): Graph {
  const writer = new GraphWriter(graph);
  /** Constants share a key when their hashes collide; all other nodes only when they are equal. */
  const known = new Map<string, AnyNode[]>();
  for (const node of graph.nodes) {
    const key = keyOf(node, writer.translate(node.inputs));
    const twin = known.get(key)?.find((other) => haveSameConstant(node, other));
    if (twin !== undefined) {
      writer.replace(node.output, twin.output);
      continue;
    }
    const copy = writer.producerOf(writer.copy(node))!;
    known.set(key, [...(known.get(key) ?? []), copy]);
  }
  return writer.finish();
}

function keyOf(node: AnyNode, inputs: ValueId[]): string {
  if (node.op === "constant") return constantKey(node.attrs.value);
  const ordered = traitsOf(node.op).commutative ? inputs.sort((a, b) => a - b) : inputs;
  return `${node.op}(${ordered.join(",")})${JSON.stringify(attributesToJson(node.op, node.attrs))}`;
}

function constantKey({ type, data }: TensorData): string {
  // FNV-1a, 32 bits (Fowler, Noll, Vo)
  let hash = 0x811c9dc5;
  for (const byte of littleEndianBytes(data)) hash = Math.imul(hash ^ byte, 0x01000193);
  return `constant ${formatType(type)} ${storageOf(data)} ${hash}`;
}

function haveSameConstant(a: AnyNode, b: AnyNode): boolean {
  if (a.op !== "constant" || b.op !== "constant") return true;
  const [left, right] = [littleEndianBytes(a.attrs.value.data), littleEndianBytes(b.attrs.value.data)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
