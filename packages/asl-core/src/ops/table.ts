import type { OpDefinition, Traits } from "./contract.js";
import * as contraction from "./contraction.js";
import * as elementwise from "./elementwise.js";
import * as movement from "./movement.js";
import * as reduction from "./reduction.js";

/** Every op. Interpretations (gradient, reference meaning, lowerings) are tables over these same keys. */
export const OPS = {
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
} as const;

export type OpName = keyof typeof OPS;

/** Attributes of an op, from its definition. */
export type AttrsOf<K extends OpName> = (typeof OPS)[K] extends OpDefinition<infer A> ? A : never;

/** One entry for each op: leaving one out does not compile. */
export type OpTable<Entry extends { [K in OpName]: unknown }> = { readonly [K in OpName]: Entry[K] };

/** The definition of an op, its attributes' type kept. */
export function definitionOf<K extends OpName>(op: K): OpDefinition<AttrsOf<K>> {
  // A lookup by a generic key loses the pairing of name and attributes; the table's own type vouches for it.
  return OPS[op] as unknown as OpDefinition<AttrsOf<K>>;
}

export function traitsOf(op: OpName): Traits {
  return OPS[op].traits;
}

export const OP_NAMES = Object.keys(OPS) as readonly OpName[];
