import type { OpName, OpTable } from "asl-core";
import * as elementwise from "./elementwise.js";
import type { Lowering, ReductionLowering } from "./lowering.js";
import * as movement from "./movement.js";
import * as reduction from "./reduction.js";

const { calls } = elementwise;
const EXACT = { rounds: false, flops: 1 };

/** WGSL for every op. Contractions are planned in `contraction/`. */
export const LOWER = {
  constant: { kind: "constant" },
  neg: calls("neg_f32", EXACT),
  abs: calls("abs_f32", EXACT),
  floor: calls("floor_f32", EXACT),
  exp: calls("exp_f32"),
  log: calls("log_f32"),
  sqrt: elementwise.sqrt,
  sigmoid: calls("sigmoid_f32"),
  add: elementwise.add,
  sub: elementwise.sub,
  mul: elementwise.mul,
  div: elementwise.div,
  pow: calls("pow_f32"),
  max: calls("max_f32", EXACT),
  min: calls("min_f32", EXACT),
  less: calls("less_f32", EXACT),
  equal: calls("equal_f32", EXACT),
  select: elementwise.select,
  cast: elementwise.cast,
  stopGradient: movement.view,
  reduceSum: reduction.reduceSum,
  reduceMax: reduction.reduceMax,
  reshape: movement.view,
  transpose: movement.transpose,
  broadcast: movement.broadcast,
  pad: movement.pad,
  slice: movement.slice,
  concat: movement.concat,
  gather: movement.gather,
  matmul: { kind: "contraction" },
  conv2d: { kind: "contraction" },
  conv2dInputGrad: { kind: "contraction" },
  conv2dKernelGrad: { kind: "contraction" },
} as const satisfies OpTable<{ [K in OpName]: Lowering<K> }>;

/** The ops that reduce. */
export type Reduces = { [K in OpName]: (typeof LOWER)[K] extends ReductionLowering ? K : never }[OpName];

/** The lowering of an op whose name is known at run time only. */
export function loweringOf<K extends OpName>(op: K): K extends Reduces ? ReductionLowering : Lowering<K> {
  // A lookup by a generic key loses the pairing of name and lowering; the table's own type vouches for it.
  return LOWER[op] as unknown as K extends Reduces ? ReductionLowering : Lowering<K>;
}
