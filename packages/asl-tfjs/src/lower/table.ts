import type { AnyNode, Node, OpName, OpTable } from "asl-core";
import type { DeviceTensor } from "../tensorflow.js";
import * as contraction from "./contraction.js";
import * as elementwise from "./elementwise.js";
import * as functions from "./functions.js";
import type { Lowering } from "./lowering.js";
import * as movement from "./movement.js";

const { unary, binary, unaryFunction, binaryFunction, extremum } = elementwise;

export type Lower<K extends OpName> = (node: Node<K>, lowering: Lowering) => DeviceTensor;

/** TensorFlow.js ops for every op. Constants are not lowered in a run: a program holds them as tensors. */
export const LOWER: OpTable<{ [K in OpName]: Lower<K> }> = {
  constant: (node, lowering) => lowering.compact(node.output),
  neg: unary((tf, x) => tf.neg(x)),
  abs: unary((tf, x) => tf.abs(x)),
  floor: unary((tf, x) => tf.floor(x)),
  exp: unaryFunction("exp", (tf, x) => tf.exp(x), functions.exponential),
  log: unaryFunction("log", (tf, x) => tf.log(x), functions.logarithm),
  sqrt: unary((tf, x) => tf.sqrt(x)),
  sigmoid: unaryFunction("sigmoid", (tf, x) => tf.sigmoid(x), functions.sigmoid),
  add: binary((tf, a, b) => tf.add(a, b)),
  sub: binary((tf, a, b) => tf.sub(a, b)),
  mul: binary((tf, a, b) => tf.mul(a, b)),
  div: elementwise.div,
  pow: binaryFunction("pow", (tf, a, b) => tf.pow(a, b), functions.power),
  max: extremum((tf, a, b) => tf.maximum(a, b)),
  min: extremum((tf, a, b) => tf.minimum(a, b)),
  less: binary((tf, a, b) => tf.less(a, b)),
  equal: binary((tf, a, b) => tf.equal(a, b)),
  select: elementwise.select,
  cast: elementwise.cast,
  stopGradient: unary((_tf, x) => x),
  reduceSum: elementwise.reduceSum,
  reduceMax: elementwise.reduceMax,
  reshape: movement.reshape,
  transpose: movement.transpose,
  broadcast: movement.broadcast,
  pad: movement.pad,
  slice: movement.slice,
  concat: movement.concat,
  gather: movement.gather,
  matmul: contraction.matmul,
  conv2d: contraction.conv2d,
  conv2dInputGrad: contraction.conv2dInputGrad,
  conv2dKernelGrad: contraction.conv2dKernelGrad,
};

/** Lowers one node by its table entry. */
export function lowerNode(node: AnyNode, lowering: Lowering): DeviceTensor {
  // `node` pairs op and attributes; a lookup by a union key loses that pairing.
  const lower = LOWER[node.op] as Lower<OpName>;
  return lower(node as Node<OpName>, lowering);
}
