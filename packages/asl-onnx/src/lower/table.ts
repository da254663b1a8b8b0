import type { AnyNode, Node, OpName, OpTable } from "asl-core";
import * as contraction from "./contraction.js";
import * as elementwise from "./elementwise.js";
import type { Operand } from "./extent.js";
import { conv2dKernelGrad } from "./kernel-grad.js";
import type { Lowering } from "./lowering.js";
import * as movement from "./movement.js";

export type Lower<K extends OpName> = (node: Node<K>, lowering: Lowering) => Operand;

/** ONNX (opset 17) for every op. */
export const LOWER: OpTable<{ [K in OpName]: Lower<K> }> = {
  constant: elementwise.constant,
  neg: elementwise.elementwise("Neg"),
  abs: elementwise.elementwise("Abs"),
  floor: elementwise.elementwise("Floor"),
  exp: elementwise.exp,
  log: elementwise.elementwise("Log"),
  sqrt: elementwise.elementwise("Sqrt"),
  sigmoid: elementwise.sigmoid,
  add: elementwise.elementwise("Add"),
  sub: elementwise.elementwise("Sub"),
  mul: elementwise.elementwise("Mul"),
  div: elementwise.elementwise("Div"),
  pow: elementwise.elementwise("Pow"),
  max: elementwise.elementwise("Max"),
  min: elementwise.elementwise("Min"),
  less: elementwise.elementwise("Less"),
  equal: elementwise.elementwise("Equal"),
  select: elementwise.select,
  cast: elementwise.cast,
  stopGradient: elementwise.alias,
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
  conv2dKernelGrad,
};

/** Lowers one node by its table entry. */
export function lowerNode(node: AnyNode, lowering: Lowering): Operand {
  // `node` pairs op and attributes; a lookup by a union key loses that pairing.
  const lower = LOWER[node.op] as Lower<OpName>;
  return lower(node as Node<OpName>, lowering);
}
