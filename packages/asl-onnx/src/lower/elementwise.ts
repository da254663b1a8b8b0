import { type Node, type OpName, sizeOf, type TensorData } from "asl-core";
import { exponential } from "./exponential.js";
import { isFixed, type Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";
import type { OnnxOperator } from "./operators.js";
import { ELEMENT_TYPE } from "./writer.js";

/** An op that is one broadcasting ONNX operator. */
export const elementwise =
  (opType: OnnxOperator) =>
  (node: Node<OpName>, lowering: Lowering): Operand =>
    lowering.elementwise(
      opType,
      node.inputs.map((input) => lowering.operand(input)),
    );

const exponentialOf = (x: Operand, lowering: Lowering): Operand =>
  lowering.quirks.coarseExp ? exponential(x, lowering) : lowering.elementwise("Exp", [x]);

export const exp = (node: Node<"exp">, lowering: Lowering): Operand =>
  exponentialOf(lowering.operand(node.inputs[0]!), lowering);

/**
 * sigmoid(x) = e^min(x, 0) / (1 + e^-|x|): both exponents are at most 0, so nothing overflows and both tails are exact
 * to a few ulp. ONNX Runtime's own Sigmoid is a rational approximation that is wrong by 600 % at -18.
 */
export function sigmoid(node: Node<"sigmoid">, lowering: Lowering): Operand {
  const x = lowering.operand(node.inputs[0]!);
  const numerator = exponentialOf(lowering.elementwise("Min", [x, lowering.scalar(0)]), lowering);
  const negative = lowering.elementwise("Neg", [lowering.elementwise("Abs", [x])]);
  const denominator = lowering.elementwise("Add", [exponentialOf(negative, lowering), lowering.scalar(1)]);
  return lowering.elementwise("Div", [numerator, denominator]);
}

/** condition ? a : b. ONNX Runtime has no Where for truth values: (c and a) or (not c and b). */
export function select(node: Node<"select">, lowering: Lowering): Operand {
  const operands = node.inputs.map((input) => lowering.operand(input));
  if (lowering.graph.types[node.output]!.dtype !== "bool") return lowering.elementwise("Where", operands);
  const [condition, a, b] = operands as [Operand, Operand, Operand];
  const otherwise = lowering.elementwise("And", [lowering.elementwise("Not", [condition]), b]);
  return lowering.elementwise("Or", [lowering.elementwise("And", [condition, a]), otherwise]);
}

export function cast(node: Node<"cast">, lowering: Lowering): Operand {
  const x = lowering.operand(node.inputs[0]!);
  if (lowering.graph.types[node.inputs[0]!]!.dtype === node.attrs.to) return x;
  return lowering.elementwise("Cast", [x], { to: { int: ELEMENT_TYPE[node.attrs.to] } });
}

export const alias = (node: Node<OpName>, lowering: Lowering): Operand => lowering.operand(node.inputs[0]!);

export function constant(node: Node<"constant">, lowering: Lowering): Operand {
  return lowering.constant(node.attrs.value satisfies TensorData);
}

/** Sum: an axis along which the value only repeats is a factor. */
export function reduceSum(node: Node<"reduceSum">, lowering: Lowering): Operand {
  const [input] = node.inputs;
  const { operand, kept, axes, repeated } = reduction(node, lowering);
  if (!isFixed(repeated)) {
    const full = lowering.fullOperand(input!);
    return reduce("ReduceSum", full, node.attrs.axes, lowering);
  }
  const factor = sizeOf(repeated);
  const sum = axes.length === 0 ? lowering.reshape(operand, kept) : reduce("ReduceSum", operand, axes, lowering);
  return factor === 1 ? sum : lowering.elementwise("Mul", [sum, lowering.scalar(factor)]);
}

export function reduceMax(node: Node<"reduceMax">, lowering: Lowering): Operand {
  const { operand, kept, axes } = reduction(node, lowering);
  return axes.length === 0 ? lowering.reshape(operand, kept) : reduce("ReduceMax", operand, axes, lowering);
}

/** Splits the axes of a reduction into those that the operand holds and those along which it repeats. */
function reduction(node: Node<"reduceSum"> | Node<"reduceMax">, lowering: Lowering) {
  const [input] = node.inputs;
  const operand = lowering.operand(input!);
  const logical = lowering.extents(input!);
  const offset = logical.length - operand.extents.length;
  const held = (axis: number) =>
    axis >= offset && operand.extents[axis - offset] === logical[axis] && logical[axis] !== 1;
  const axes = node.attrs.axes.filter(held).map((axis) => axis - offset);
  const repeated = node.attrs.axes.filter((axis) => !held(axis)).map((axis) => logical[axis]!);
  const dropped = new Set(node.attrs.axes);
  const kept = operand.extents.filter((_, axis) => !dropped.has(axis + offset));
  // Axes of extent 1 disappear with the others.
  const units = node.attrs.axes.filter((axis) => !held(axis) && axis >= offset).map((axis) => axis - offset);
  return { operand, kept, axes: axes.length === 0 ? [] : [...axes, ...units].sort((a, b) => a - b), repeated };
}

function reduce(opType: "ReduceSum" | "ReduceMax", x: Operand, axes: readonly number[], lowering: Lowering): Operand {
  const extents = x.extents.filter((_, axis) => !axes.includes(axis));
  const keepdims = { int: 0 };
  if (axes.length === 0) return x;
  // ReduceSum takes its axes as an input since opset 13, ReduceMax as an attribute until 18.
  const name =
    opType === "ReduceSum"
      ? lowering.emit(opType, [x.name, lowering.int64(axes)], { keepdims })
      : lowering.emit(opType, [x.name], { axes: { ints: axes }, keepdims });
  return { name, extents };
}
