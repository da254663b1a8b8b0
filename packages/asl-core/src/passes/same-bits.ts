import { definitionOf, type OpName } from "../ops/table.js";

/**
 * Whether the op gives the same bits on every backend and at every place of a tensor: it moves data or rounds
 * correctly. (An approximate op, such as exp, may differ between a backend's vector loop and its remainder.)
 */
export function givesSameBits(op: OpName): boolean {
  const { accuracy } = definitionOf(op);
  return accuracy.kind === "exact" || (accuracy.kind === "ulp" && accuracy.max <= 0.5);
}
