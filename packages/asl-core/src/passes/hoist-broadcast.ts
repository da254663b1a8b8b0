import type { ValueId } from "../graph/graph.js";
import type { BroadcastAttrs } from "../ops/movement.js";
import { type AttrsOf, type OpName, traitsOf } from "../ops/table.js";
import { type Shape, sameShape, sizeOf } from "../types/tensor.js";
import type { Rewriting } from "./rewriting.js";
import { givesSameBits } from "./same-bits.js";

/**
 * op(broadcast(a), broadcast(b), ...) = broadcast(op(a, b, ...)) for elementwise ops: fewer elements to compute.
 * All arguments must be broadcast in one way, but for those filled with one scalar, which take any shape.
 */
export function hoistBroadcast<K extends OpName>(
  rewriting: Rewriting,
  op: K,
  inputs: readonly ValueId[],
  attrs: AttrsOf<K>,
  scope: string,
): ValueId | undefined {
  if (!traitsOf(op).elementwise || !givesSameBits(op)) return undefined;
  const { shape } = rewriting.writer.typeOf(inputs[0]!);
  const common = commonBroadcast(rewriting, inputs, shape);
  if (common === undefined || sizeOf(common.small) >= sizeOf(shape)) return undefined;
  const narrowed = inputs.map((id) => narrow(rewriting, id, common.small, scope));
  const result = rewriting.apply(op, narrowed, attrs, scope);
  return rewriting.apply("broadcast", [result], { shape, axes: common.axes }, scope);
}

/** How the arguments that are not filled with one scalar are broadcast; undefined unless they all agree. */
function commonBroadcast({ writer, splats }: Rewriting, inputs: readonly ValueId[], shape: Shape) {
  let common: { small: Shape; axes: readonly number[] } = { small: [], axes: [] };
  for (const id of inputs) {
    if (splats.isSplat(id)) continue;
    const producer = writer.producerOf(id);
    if (producer?.op !== "broadcast" || !sameShape(producer.attrs.shape, shape)) return undefined;
    const { axes }: BroadcastAttrs = producer.attrs;
    if (common.small.length > 0 && !sameShape(common.axes, axes)) return undefined;
    common = { small: writer.typeOf(producer.inputs[0]!).shape, axes };
  }
  return common;
}

function narrow(rewriting: Rewriting, id: ValueId, small: Shape, scope: string): ValueId {
  const scalar = rewriting.splats.scalarOf(id, scope);
  if (scalar === undefined) return rewriting.writer.producerOf(id)!.inputs[0]!;
  return rewriting.apply("broadcast", [scalar], { shape: small, axes: [] }, scope);
}
