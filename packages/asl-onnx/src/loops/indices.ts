import type { AnyNode, ValueId } from "asl-core";
import type { LoopPlan, Stage } from "./plan.js";

/** Casts of whole numbers in float32 whose result serves as an index and for nothing else. */
export function wholeIndices(
  { graph: { types }, sourceOf, producers, stored }: LoopPlan,
  { nodes }: Stage,
): ReadonlySet<AnyNode> {
  const isWhole = (value: ValueId): boolean => {
    const producer = producers[sourceOf(value)];
    if (producer?.op === "floor") return true;
    if (producer?.op === "constant") return producer.attrs.value.data.every(Number.isInteger);
    return producer?.op === "select" && producer.inputs.slice(1).every(isWhole);
  };
  const isIndexOnly = ({ output }: AnyNode): boolean =>
    !stored.has(output) &&
    nodes.every(
      ({ op, inputs }) =>
        !inputs.some((input, argument) => sourceOf(input) === output && !(op === "gather" && argument === 1)),
    );
  const isWholeIndex = (node: AnyNode) =>
    node.op === "cast" &&
    node.attrs.to === "i32" &&
    types[node.inputs[0]!]!.dtype === "f32" &&
    isWhole(node.inputs[0]!) &&
    isIndexOnly(node);
  return new Set(nodes.filter(isWholeIndex));
}
