import type { AnyNode, Graph, OpName, TensorData, Tensors } from "asl-core";
import { evaluateNode } from "asl-reference";

/** Whose sign of zero is not the same everywhere. */
const SIGN_OF_ZERO: ReadonlySet<OpName> = new Set(["add", "sub", "mul", "neg", "floor", "max", "min", "reduceSum"]);

/**
 * Runs a graph as unkindly as a device may: denormals are flushed on the way in and out of every node, every second
 * zero has the other sign, max and min drop NaN, and sums run backwards in four interleaved parts. Additions,
 * subtractions, products, comparisons and movement are right.
 */
export function evaluateHostile(graph: Graph, feeds: Tensors): Tensors {
  const values = new Map<number, TensorData>();
  for (const [name, id] of Object.entries(graph.inputs)) values.set(id, flushed(inFloat32(feeds[name]!)));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => values.get(id)!);
    const result = flushed(inFloat32(apply(node, inputs, graph)));
    values.set(node.output, SIGN_OF_ZERO.has(node.op) ? flipZeros(result) : result);
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [name, values.get(id)!]));
}

function apply(node: AnyNode, inputs: readonly TensorData[], graph: Graph): TensorData {
  const type = graph.types[node.output]!;
  if (node.op === "reduceSum") {
    const [rows, columns] = matrixOf(inputs[0]!, node.attrs.axes);
    const { data } = inputs[0]!;
    const sums = Float32Array.from({ length: rows }, (_, row) =>
      backwards(data.subarray(row * columns, (row + 1) * columns)),
    );
    return { type, data: sums };
  }
  if (node.op === "max" || node.op === "min") {
    const [a, b] = inputs.map(({ data }) => data) as [Float32Array, Float32Array];
    const choose = node.op === "max" ? Math.max : Math.min;
    const data = a.map((x, i) => (Number.isNaN(x) ? b[i]! : Number.isNaN(b[i]!) ? x : choose(x, b[i]!)));
    return { type, data };
  }
  return evaluateNode(node, inputs, type);
}

function backwards(terms: TensorData["data"]): number {
  const parts = new Float32Array(4);
  for (let i = terms.length - 1; i >= 0; i--) parts[i % 4] = parts[i % 4]! + terms[i]!;
  return Math.fround(Math.fround(parts[3]! + parts[1]!) + Math.fround(parts[2]! + parts[0]!));
}

/** Rows and columns of a reduction over all or over the last axes. */
function matrixOf({ type }: TensorData, axes: readonly number[]): readonly [number, number] {
  const rank = type.shape.length;
  if (axes.some((axis, i) => axis !== rank - axes.length + i)) throw new Error("only sums over the last axes");
  const extent = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
  return [extent(type.shape.slice(0, rank - axes.length)), extent(type.shape.slice(rank - axes.length))];
}

const inFloat32 = ({ type, data }: TensorData): TensorData => ({
  type,
  data: data instanceof Float64Array ? Float32Array.from(data) : data,
});

function flushed({ type, data }: TensorData): TensorData {
  if (!(data instanceof Float32Array)) return { type, data };
  return { type, data: data.map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x)) };
}

function flipZeros({ type, data }: TensorData): TensorData {
  const zero = [0, -0];
  return { type, data: data.map((x, i) => (x === 0 ? zero[i % 2]! : x)) as Float32Array };
}
