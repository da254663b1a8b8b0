import { type AttrsOf, build, type OpName, type TensorData, type Tensors } from "asl-core";
import type { Precision } from "../src/arithmetic.js";
import { evaluate } from "../src/evaluate.js";

/** One op on host tensors. */
export function apply<K extends OpName>(
  op: K,
  inputs: readonly TensorData[],
  attrs: AttrsOf<K>,
  precision: Precision = "f64",
): TensorData {
  const graph = build((b) => ({
    y: b.apply(
      op,
      inputs.map((input, i) => b.input(`x${i}`, input.type)),
      attrs,
    ),
  }));
  const feeds: Tensors = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input]));
  return evaluate(graph, feeds, { precision }).y!;
}

/** The elements of the result of one op, as a plain array. */
export function values<K extends OpName>(
  op: K,
  inputs: readonly TensorData[],
  attrs: AttrsOf<K>,
  precision: Precision = "f64",
): number[] {
  return Array.from(apply(op, inputs, attrs, precision).data);
}

/** A float64 tensor. */
export function f64(shape: readonly number[], data: readonly number[]): TensorData {
  return { type: { dtype: "f32", shape }, data: Float64Array.from(data) };
}

export function bool(shape: readonly number[], data: readonly number[]): TensorData {
  return { type: { dtype: "bool", shape }, data: Uint8Array.from(data) };
}

export function dot(a: TensorData, b: TensorData): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}
