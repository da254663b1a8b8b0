import type { Node } from "../graph/graph.js";
import { definitionOf, type OpName } from "../ops/table.js";
import { sizeOf, type TensorType } from "../types/tensor.js";

/**
 * Floating-point operations of a node: a multiplication and an addition for each term of a contraction, an addition for
 * each term of a sum, otherwise one for each element that it reads or makes; views and constants take none.
 */
export function flopsOf<K extends OpName>(
  { op, inputs, output, attrs }: Node<K>,
  types: readonly TensorType[],
): number {
  const { accuracy, traits } = definitionOf(op);
  const arguments_ = inputs.map((id) => types[id]!);
  const size = sizeOf(types[output]!.shape);
  if (accuracy.kind === "sum") return size * accuracy.terms(arguments_, attrs) * (traits.contraction === true ? 2 : 1);
  if (traits.view === true || inputs.length === 0) return 0;
  return traits.movement === true ? size : Math.max(size, ...arguments_.map(({ shape }) => sizeOf(shape)));
}
