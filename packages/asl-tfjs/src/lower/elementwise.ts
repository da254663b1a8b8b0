import { type Node, type OpName, sizeOf } from "asl-core";
import { DEVICE_TYPE, type DeviceTensor, type TensorFlow } from "../tensorflow.js";
import type { CoarseFunction, Lowering } from "./lowering.js";
import { permuted } from "./movement.js";

type Unary = (tf: TensorFlow, x: DeviceTensor) => DeviceTensor;
type Binary = (tf: TensorFlow, a: DeviceTensor, b: DeviceTensor) => DeviceTensor;

/** An op of one argument that is one TensorFlow.js op. */
export const unary =
  (f: Unary) =>
  (node: Node<OpName>, lowering: Lowering): DeviceTensor =>
    f(lowering.tf, lowering.compact(node.inputs[0]!));

/** An op of two arguments that is one broadcasting TensorFlow.js op. */
export const binary =
  (f: Binary) =>
  (node: Node<OpName>, lowering: Lowering): DeviceTensor =>
    broadcasting(f)(lowering.tf, lowering.compact(node.inputs[0]!), lowering.compact(node.inputs[1]!));

/** A function of one argument: the kernel's, or `mended` where that breaks the contract. */
export const unaryFunction =
  (name: CoarseFunction, kernel: Unary, mended: Unary) => (node: Node<OpName>, lowering: Lowering) =>
    unary(lowering.quirks.coarse.has(name) ? mended : kernel)(node, lowering);

/** The same of two arguments. */
export const binaryFunction =
  (name: CoarseFunction, kernel: Binary, mended: Binary) => (node: Node<OpName>, lowering: Lowering) =>
    binary(lowering.quirks.coarse.has(name) ? mended : kernel)(node, lowering);

/** A single element as a scalar, shape []: the cpu and wasm backends are 3 to 16 times faster than with [1,1,1,1]. */
const broadcasting =
  (f: Binary): Binary =>
  (tf, a, b) => {
    if (a.size === 1 && b.size > 1) return f(tf, tf.reshape(a, []), b);
    if (b.size === 1 && a.size > 1) return f(tf, a, tf.reshape(b, []));
    return f(tf, a, b);
  };

/** a / b; where the backend takes every a / a for 1, NaN for 0 / 0 and infinity / infinity all the same. */
export function div(node: Node<"div">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const a = lowering.compact(node.inputs[0]!);
  const b = lowering.compact(node.inputs[1]!);
  const quotient = broadcasting((_tf, x, y) => tf.div(x, y))(tf, a, b);
  if (!lowering.quirks.equalsDivideToOne) return quotient;
  const dividend = lowering.spread(a, quotient.shape);
  const isDoubled = tf.equal(tf.add(dividend, dividend), dividend);
  // only 0 and the infinities are their own double
  const isUndefined = tf.logicalAnd(isDoubled, tf.equal(dividend, lowering.spread(b, quotient.shape)));
  return tf.where(isUndefined, tf.fill(quotient.shape, Number.NaN), quotient);
}

/** The larger or smaller; NaN if either is NaN, where the backend itself looks at its first argument only. */
export const extremum =
  (extreme: Binary) =>
  (node: Node<OpName>, lowering: Lowering): DeviceTensor => {
    const { tf } = lowering;
    const f = broadcasting(extreme);
    const [first, second] = node.inputs;
    const a = lowering.compact(first!);
    const b = lowering.compact(second!);
    if (!lowering.quirks.maximumDropsNaN || lowering.isNeverNaN(second!)) return f(tf, a, b);
    if (lowering.isNeverNaN(first!)) return f(tf, b, a);
    const result = f(tf, a, b);
    const candidate = lowering.spread(b, result.shape);
    return tf.where(tf.equal(candidate, candidate), result, candidate);
  };

/** condition ? a : b; for truth values by logic, because the wasm backend's selection copies four bytes for each. */
export function select(node: Node<"select">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const [condition, a, b] = node.inputs.map((id) => lowering.compact(id)) as [DeviceTensor, DeviceTensor, DeviceTensor];
  if (a.dtype !== "bool") {
    const shape = lowering.shape(node.output);
    return tf.where(lowering.spread(condition, shape), lowering.spread(a, shape), lowering.spread(b, shape));
  }
  return tf.logicalOr(tf.logicalAnd(condition, a), tf.logicalAnd(tf.logicalNot(condition), b));
}

const SMALLEST_I32 = -(2 ** 31);
const LARGEST_I32 = 2 ** 31 - 1;

export function cast(node: Node<"cast">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const x = lowering.compact(node.inputs[0]!);
  const { to } = node.attrs;
  if (x.dtype === DEVICE_TYPE[to]) return x;
  switch (to) {
    case "bool":
      // The wasm backend truncates, so that 0.5 would be false.
      return tf.notEqual(x, tf.zerosLike(x));
    case "f32":
      // The cpu backend only renames the type; the product rounds an integer beyond 2^24.
      return tf.mul(tf.cast(x, "float32"), 1);
    case "i32":
      return x.dtype === "bool" ? tf.cast(x, "int32") : truncated(tf, x);
  }
}

/** Toward zero; beyond the range of i32 the nearest end, and 0 for NaN. TensorFlow.js wraps around, or leaves it open. */
function truncated(tf: TensorFlow, x: DeviceTensor): DeviceTensor {
  const above = tf.greaterEqual(x, -SMALLEST_I32);
  const below = tf.less(x, SMALLEST_I32);
  const outside = tf.logicalOr(tf.logicalOr(above, below), tf.notEqual(x, x));
  const inside = tf.cast(tf.where(outside, tf.zerosLike(x), x), "int32");
  const integer = (value: number) => tf.fill(x.shape, value, "int32");
  return tf.where(above, integer(LARGEST_I32), tf.where(below, integer(SMALLEST_I32), inside));
}

export function reduceSum(node: Node<"reduceSum">, lowering: Lowering): DeviceTensor {
  const x = lowering.full(node.inputs[0]!);
  return node.attrs.axes.length === 0 ? x : lowering.tf.sum(x, [...node.attrs.axes]);
}

export function reduceMax(node: Node<"reduceMax">, lowering: Lowering): DeviceTensor {
  const x = lowering.full(node.inputs[0]!);
  const { axes } = node.attrs;
  if (axes.length === 0) return x;
  return lowering.quirks.maxHasFloor ? maxByHalves(x, axes, lowering) : lowering.tf.max(x, [...axes]);
}

/** The larger of two halves, until one element is left along the reduced axes. */
function maxByHalves(x: DeviceTensor, axes: readonly number[], lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  const shape = kept.map((axis) => x.shape[axis]!);
  const rows = sizeOf(shape);
  let rest = tf.reshape(permuted(tf, x, [...kept, ...axes]), [rows, x.size / rows]);
  for (let count = rest.shape[1]!; count > 1; count = rest.shape[1]!) {
    const half = Math.ceil(count / 2);
    // with an odd count both halves hold the element in the middle
    rest = tf.maximum(tf.slice(rest, [0, 0], [rows, half]), tf.slice(rest, [0, count - half], [rows, half]));
  }
  return tf.reshape(rest, shape);
}
