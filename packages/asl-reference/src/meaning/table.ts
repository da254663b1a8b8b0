import type { AttrsOf, OpName, OpTable } from "asl-core";
import * as contraction from "./contraction.js";
import * as elementwise from "./elementwise.js";
import type { Meaning } from "./meaning.js";
import * as movement from "./movement.js";
import * as reduction from "./reduction.js";

/** The meaning of every op, by name. */
export const MEANING: OpTable<{ [K in OpName]: Meaning<AttrsOf<K>> }> = {
  constant: movement.constant,
  neg: elementwise.neg,
  abs: elementwise.abs,
  floor: elementwise.floor,
  exp: elementwise.exp,
  log: elementwise.log,
  sqrt: elementwise.sqrt,
  sigmoid: elementwise.sigmoid,
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  pow: elementwise.pow,
  max: elementwise.max,
  min: elementwise.min,
  less: elementwise.less,
  equal: elementwise.equal,
  select: elementwise.select,
  cast: elementwise.cast,
  stopGradient: elementwise.stopGradient,
  reduceSum: reduction.reduceSum,
  reduceMax: reduction.reduceMax,
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

/** The meaning of an op, its attributes' type kept. */
export function meaningOf<K extends OpName>(op: K): Meaning<AttrsOf<K>> {
  // A lookup by a generic key loses the pairing of name and attributes; the table's own type vouches for it.
  return MEANING[op] as unknown as Meaning<AttrsOf<K>>;
}
