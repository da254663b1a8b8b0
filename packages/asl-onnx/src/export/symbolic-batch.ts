import { type AnyNode, formatType, type Graph, GraphError, type TensorData, type ValueId } from "asl-core";
import type { Extent } from "../lower/extent.js";
import type { Extents } from "../lower/lowering.js";

/** Batch sizes at which a graph is built to see what depends on the batch; neither is 1, which broadcasts. */
const FIRST = 2;
const SECOND = 3;

export interface SymbolicGraph {
  readonly graph: Graph;
  readonly extents: Extents;
}

/**
 * A graph for any batch size: built for two sizes, an extent that differs is the batch ("batch") or a multiple of it
 * ("49*batch"). Throws GraphError, naming the node, when anything else differs.
 */
export function symbolicBatch(build: (batch: number) => Graph): SymbolicGraph {
  const graph = build(FIRST);
  const other = build(SECOND);
  if (graph.nodes.length !== other.nodes.length) {
    throw new GraphError(
      `dynamic batch: the graph has ${graph.nodes.length} nodes at batch ${FIRST} and ${other.nodes.length} at ${SECOND}`,
    );
  }
  requireSameEnds("inputs", graph.inputs, other.inputs);
  requireSameEnds("outputs", graph.outputs, other.outputs);
  const symbolic = graph.types.map((type, id) => {
    const twin = other.types[id];
    if (twin === undefined || twin.dtype !== type.dtype || twin.shape.length !== type.shape.length) {
      throw new GraphError(`dynamic batch: %${id} has another rank or dtype at batch ${SECOND}`);
    }
    return type.shape.map((extent, axis) => extentOf(extent, twin.shape[axis]!, id));
  });
  graph.nodes.forEach((node, i) => {
    requireSameNode(node, other.nodes[i]!, symbolic);
  });
  return { graph, extents: (value) => symbolic[value]! };
}

function extentOf(first: number, second: number, id: number): Extent {
  if (first === second) return first;
  const factor = first / FIRST;
  if (Number.isInteger(factor) && second === factor * SECOND) return factor === 1 ? "batch" : `${factor}*batch`;
  throw new GraphError(
    `dynamic batch: an extent of %${id} is ${first} at batch ${FIRST} and ${second} at ${SECOND}: not a multiple of the batch`,
  );
}

function requireSameEnds(
  kind: string,
  ends: Readonly<Record<string, ValueId>>,
  others: Readonly<Record<string, ValueId>>,
): void {
  const text = (record: Readonly<Record<string, ValueId>>) => JSON.stringify(Object.entries(record).sort());
  if (text(ends) !== text(others))
    throw new GraphError(`dynamic batch: the graph's ${kind} change with the batch size`);
}

function requireSameNode(node: AnyNode, other: AnyNode, symbolic: readonly (readonly Extent[])[]): void {
  const place = `${node.op} (${node.scope === "" ? `%${node.output}` : node.scope})`;
  const sameInputs = node.inputs.length === other.inputs.length && node.inputs.every((id, i) => id === other.inputs[i]);
  if (node.op !== other.op || node.output !== other.output || !sameInputs) {
    throw new GraphError(`dynamic batch: ${place} at batch ${FIRST} is ${other.op} at batch ${SECOND}`);
  }
  if (node.op === "constant" && other.op === "constant" && !sameElements(node.attrs.value, other.attrs.value)) {
    throw new GraphError(`dynamic batch: ${place} holds other numbers at batch ${FIRST} than at ${SECOND}`);
  }
  const attributes = attributesWithoutBatch(node, symbolic);
  const others = attributesWithoutBatch(other, symbolic);
  if (attributes !== others) {
    throw new GraphError(
      `dynamic batch: ${place} depends on the batch size: ${attributes} at ${FIRST}, ${others} at ${SECOND}`,
    );
  }
}

/** Attributes as text, what follows from the types' symbolic extents left out. */
function attributesWithoutBatch(node: AnyNode, symbolic: readonly (readonly Extent[])[]): string {
  const output = symbolic[node.output]!;
  const unlessSymbolic = (extents: readonly number[]) =>
    extents.map((extent, axis) => (typeof output[axis] === "number" ? extent : output[axis]));
  switch (node.op) {
    case "reshape":
      return "";
    case "broadcast":
      return JSON.stringify({ axes: node.attrs.axes });
    case "slice":
      return JSON.stringify({ starts: node.attrs.starts, ends: unlessSymbolic(node.attrs.ends) });
    case "conv2dInputGrad":
      return JSON.stringify({ ...node.attrs, inputShape: unlessSymbolic(node.attrs.inputShape) });
    case "constant":
      // Compared by their elements.
      return formatType(node.attrs.value.type);
    default:
      return JSON.stringify(node.attrs);
  }
}

const sameElements = (a: TensorData, b: TensorData) =>
  a.data.length === b.data.length && a.data.every((element, i) => Object.is(element, b.data[i]));
