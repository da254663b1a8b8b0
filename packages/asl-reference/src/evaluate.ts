import {
  formatType,
  type Graph,
  InputError,
  type Node,
  type NodeEvaluator,
  type OpName,
  sameType,
  sizeOf,
  type TensorData,
  type Tensors,
  type TensorType,
} from "asl-core";
import { type Arithmetic, arithmeticOf, inPrecision, type Precision } from "./arithmetic.js";
import { meaningOf } from "./meaning/table.js";

export interface EvaluateOptions {
  readonly precision: Precision;
}

/**
 * Runs a graph on named inputs and returns its named outputs, in new arrays.
 * @throws InputError when `feeds` are not exactly the graph's inputs, or when an op meets values outside its contract
 *   (the message names op and scope).
 */
export function evaluate(graph: Graph, feeds: Tensors, { precision }: EvaluateOptions): Tensors {
  const arithmetic = arithmeticOf(precision);
  const values = new Array<TensorData | undefined>(graph.types.length);
  for (const name of Object.keys(feeds)) {
    if (!Object.hasOwn(graph.inputs, name)) {
      throw new InputError(`no input is called "${name}"; the graph takes ${namesOf(graph.inputs)}`);
    }
  }
  for (const [name, id] of Object.entries(graph.inputs)) {
    values[id] = fed(name, graph.types[id]!, Object.hasOwn(feeds, name) ? feeds[name] : undefined, arithmetic);
  }
  const lastUses = lastUsesOf(graph);
  graph.nodes.forEach((node, position) => {
    const inputs = node.inputs.map((id) => values[id]!);
    values[node.output] = applyNode(node, inputs, graph.types[node.output]!, arithmetic);
    for (const id of [...node.inputs, node.output]) {
      if (lastUses[id]! <= position) values[id] = undefined;
    }
  });
  const outputs: Record<string, TensorData> = {};
  for (const [name, id] of Object.entries(graph.outputs)) outputs[name] = copyOf(values[id]!);
  return outputs;
}

/**
 * Evaluates single nodes in a precision, for asl-core's `foldConstants`.
 * Fold in the precision that the graph will run in: f32 folding rounds what a float64 run would have kept.
 */
export function nodeEvaluator(precision: Precision): NodeEvaluator {
  const arithmetic = arithmeticOf(precision);
  return (node, inputs, type) =>
    applyNode(
      node,
      inputs.map((input) => ({ type: input.type, data: inPrecision(input.data, arithmetic) })),
      type,
      arithmetic,
    );
}

/** One node in float32, for constant folding of graphs that run on float32 backends. */
export const evaluateNode: NodeEvaluator = nodeEvaluator("f32");

/** A tensor with its own array. */
export function copyOf(tensor: TensorData): TensorData {
  return { type: tensor.type, data: tensor.data.slice() };
}

/** `tensor` in the precision's representation. Throws InputError when its array does not fit its type. */
export function represented(name: string, tensor: TensorData, arithmetic: Arithmetic): TensorData {
  const { type, data } = tensor;
  const fits =
    type.dtype === "f32"
      ? data instanceof Float32Array || data instanceof Float64Array
      : type.dtype === "i32"
        ? data instanceof Int32Array
        : data instanceof Uint8Array;
  if (!fits || data.length !== sizeOf(type.shape)) {
    throw new InputError(
      `"${name}" says ${formatType(type)} but holds a ${data.constructor.name} of ${data.length} elements; ` +
        `expected ${sizeOf(type.shape)} elements in a ${ARRAYS[type.dtype]}`,
    );
  }
  return { type, data: inPrecision(data, arithmetic) };
}

const ARRAYS = { f32: "Float32Array or Float64Array", i32: "Int32Array", bool: "Uint8Array" } as const;

function fed(name: string, type: TensorType, feed: TensorData | undefined, arithmetic: Arithmetic): TensorData {
  if (feed === undefined) throw new InputError(`input "${name}" ${formatType(type)} is missing`);
  if (!sameType(type, feed.type)) {
    throw new InputError(`input "${name}" must be ${formatType(type)}; got ${formatType(feed.type)}`);
  }
  return represented(name, feed, arithmetic);
}

function applyNode<K extends OpName>(
  node: Node<K>,
  inputs: readonly TensorData[],
  type: TensorType,
  arithmetic: Arithmetic,
): TensorData {
  try {
    return { type, data: meaningOf(node.op)(inputs, node.attrs, type, arithmetic) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const message = detail.startsWith(`${node.op}: `) ? detail : `${node.op}: ${detail}`;
    throw new InputError(`${message} (${node.scope === "" ? `%${node.output}` : node.scope})`, { cause: error });
  }
}

/** Position of the last node that reads each value; Infinity for outputs, -1 for a value that nothing reads. */
function lastUsesOf(graph: Graph): number[] {
  const lastUses = new Array<number>(graph.types.length).fill(-1);
  graph.nodes.forEach((node, position) => {
    for (const id of node.inputs) lastUses[id] = position;
  });
  for (const id of Object.values(graph.outputs)) lastUses[id] = Number.POSITIVE_INFINITY;
  return lastUses;
}

function namesOf(inputs: Readonly<Record<string, unknown>>): string {
  return Object.keys(inputs).join(", ") || "no inputs";
}
