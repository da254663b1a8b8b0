import type { TensorData, TensorType } from "asl-core";
import type { Reals } from "../accumulation.js";
import type { Arithmetic, Elements } from "../arithmetic.js";

/**
 * What an op computes: the elements of its result, row-major.
 * Pure; inputs are already in the precision's representation and fit the op's contract; `type` is the inferred result type.
 * The result may be an input's own array (reshape), so no one may write to a value.
 * Throws InputError where the contract depends on values (gather indices).
 */
export type Meaning<A extends object> = (
  inputs: readonly TensorData[],
  attrs: A,
  type: TensorType,
  arithmetic: Arithmetic,
) => Elements;

/** The data of a tensor whose contract says f32. */
export function realsOf(tensor: TensorData): Reals {
  // The op's type rule has proved dtype f32, and `evaluate` that the array matches the dtype.
  return tensor.data as Reals;
}
