import type { OnnxOperator } from "./operators.js";

/** What the kernels of a runtime do otherwise than the ops ask. */
export interface Quirks {
  /** Exp is good near 0 only. */
  readonly coarseExp: boolean;
  /** Operators whose kernels break their ops' contracts on a device, to be run by the processor. */
  readonly onProcessor: ReadonlySet<OnnxOperator>;
  /** Kernels refuse tensors without elements, and sums of nothing. */
  readonly refusesEmpty: boolean;
}

export const NO_QUIRKS: Quirks = { coarseExp: false, onProcessor: new Set(), refusesEmpty: false };
