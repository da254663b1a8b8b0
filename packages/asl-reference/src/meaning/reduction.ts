import { type ReduceAttrs, sizeOf, stridesOf, type TensorType } from "asl-core";
import { addressesOf, axisOffsets } from "./addresses.js";
import { type Meaning, realsOf } from "./meaning.js";

/** The result's address for each element of x, in row-major order of x. */
function targetAddresses(x: TensorType, axes: readonly number[], result: TensorType): Int32Array {
  const strides = stridesOf(result.shape);
  let kept = 0;
  return addressesOf(x.shape.map((extent, axis) => axisOffsets(extent, axes.includes(axis) ? 0 : strides[kept++]!)));
}

/** Starts at +0 and adds the elements one after another in row-major order of x, rounding each partial sum. */
export const reduceSum: Meaning<ReduceAttrs> = ([input], { axes }, type, arithmetic) => {
  const x = realsOf(input!);
  const sums = arithmetic.reals(sizeOf(type.shape));
  const targets = targetAddresses(input!.type, axes, type);
  for (let i = 0; i < x.length; i++) {
    const target = targets[i]!;
    sums[target] = sums[target]! + x[i]!;
  }
  return sums;
};

/** The largest element; NaN when one is NaN; 0 of {-0, 0}. */
export const reduceMax: Meaning<ReduceAttrs> = ([input], { axes }, type, arithmetic) => {
  const x = realsOf(input!);
  const largest = arithmetic.reals(sizeOf(type.shape)).fill(Number.NEGATIVE_INFINITY);
  const targets = targetAddresses(input!.type, axes, type);
  for (let i = 0; i < x.length; i++) {
    const target = targets[i]!;
    largest[target] = Math.max(largest[target]!, x[i]!);
  }
  return largest;
};
