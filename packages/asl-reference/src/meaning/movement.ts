import {
  type BroadcastAttrs,
  type ConcatAttrs,
  type ConstantAttrs,
  formatType,
  type GatherAttrs,
  InputError,
  type PadAttrs,
  type PadMode,
  type ReshapeAttrs,
  type SliceAttrs,
  sizeOf,
  stridesOf,
  type TensorData,
  type TensorType,
  type TransposeAttrs,
} from "asl-core";
import { type Arithmetic, allocateElements, type Elements, inPrecision } from "../arithmetic.js";
import { addressesOf, axisOffsets } from "./addresses.js";
import type { Meaning } from "./meaning.js";

/** result[i] = x[addresses[i]]. */
function pick(x: TensorData, addresses: Int32Array, type: TensorType, arithmetic: Arithmetic): Elements {
  const source = x.data;
  const result = allocateElements(type.dtype, sizeOf(type.shape), arithmetic);
  for (let i = 0; i < result.length; i++) result[i] = source[addresses[i]!]!;
  return result;
}

/** result[addresses[i]] = x[i]. */
function place(x: TensorData, addresses: Int32Array, result: Elements): void {
  const source = x.data;
  for (let i = 0; i < source.length; i++) result[addresses[i]!] = source[i]!;
}

/** The tensor itself, in the precision's representation. */
export const constant: Meaning<ConstantAttrs> = (_inputs, { value }, _type, arithmetic) =>
  inPrecision(value.data, arithmetic);

export const reshape: Meaning<ReshapeAttrs> = ([x]) => x!.data;

/** y[i0, i1, ...] = x[...] where x's axis permutation[k] has index ik. */
export const transpose: Meaning<TransposeAttrs> = ([x], { permutation }, type, arithmetic) => {
  const strides = stridesOf(x!.type.shape);
  const axes = permutation.map((axis, i) => axisOffsets(type.shape[i]!, strides[axis]!));
  return pick(x!, addressesOf(axes), type, arithmetic);
};

/** y[i0, i1, ...] = x[i_axes[0], i_axes[1], ...]. */
export const broadcast: Meaning<BroadcastAttrs> = ([x], { axes }, type, arithmetic) => {
  const strides = stridesOf(x!.type.shape);
  const offsets = type.shape.map((extent, axis) => {
    const source = axes.indexOf(axis);
    return axisOffsets(extent, source === -1 ? 0 : strides[source]!);
  });
  return pick(x!, addressesOf(offsets), type, arithmetic);
};

/** Which element of an axis of length `extent` stands at position i, where i < 0 and i >= extent are the border. */
const BORDER: Readonly<Record<Exclude<PadMode, "constant">, (i: number, extent: number) => number>> = {
  // The border is at most extent - 1 wide, so one mirroring is enough.
  reflect: (i, extent) => (i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i),
  edge: (i, extent) => Math.min(Math.max(i, 0), extent - 1),
};

export const pad: Meaning<PadAttrs> = ([x], { low, mode, value }, type, arithmetic) => {
  const { shape } = x!.type;
  if (mode === "constant") {
    const result = allocateElements(type.dtype, sizeOf(type.shape), arithmetic).fill(value);
    const strides = stridesOf(type.shape);
    const axes = shape.map((extent, axis) => axisOffsets(extent, strides[axis]!, (i) => i + low[axis]!));
    place(x!, addressesOf(axes), result);
    return result;
  }
  const strides = stridesOf(shape);
  const source = BORDER[mode];
  const axes = type.shape.map((extent, axis) =>
    axisOffsets(extent, strides[axis]!, (i) => source(i - low[axis]!, shape[axis]!)),
  );
  return pick(x!, addressesOf(axes), type, arithmetic);
};

export const slice: Meaning<SliceAttrs> = ([x], { starts }, type, arithmetic) => {
  const strides = stridesOf(x!.type.shape);
  const axes = type.shape.map((extent, axis) => axisOffsets(extent, strides[axis]!, (i) => i + starts[axis]!));
  return pick(x!, addressesOf(axes), type, arithmetic);
};

export const concat: Meaning<ConcatAttrs> = (parts, { axis }, type, arithmetic) => {
  const result = allocateElements(type.dtype, sizeOf(type.shape), arithmetic);
  const strides = stridesOf(type.shape);
  let start = 0;
  for (const part of parts) {
    const axes = part.type.shape.map((extent, i) => axisOffsets(extent, strides[i]!));
    place(part, addressesOf(axes, start * strides[axis]!), result);
    start += part.type.shape[axis]!;
  }
  return result;
};

/** y[before, i, after] = table[before, indices[i], after]. Throws InputError for an index outside 0 ... extent - 1. */
export const gather: Meaning<GatherAttrs> = ([table, indices], { axis }, type, arithmetic) => {
  const { shape } = table!.type;
  const extent = shape[axis]!;
  const rows = indices!.data;
  const outside = rows.findIndex((row: number) => row < 0 || row >= extent);
  if (outside !== -1) {
    throw new InputError(
      `gather: index ${rows[outside]} (element ${outside} of indices ${formatType(indices!.type)}) is outside axis ${axis} ` +
        `of table ${formatType(table!.type)}; it must lie in 0 ... ${extent - 1}`,
    );
  }
  const axes = shape.map((length, i) => axisOffsets(length, stridesOf(shape)[i]!));
  axes[axis] = axisOffsets(rows.length, stridesOf(shape)[axis]!, (i) => rows[i]!);
  return pick(table!, addressesOf(axes), type, arithmetic);
};
