import type { DType } from "asl-core";
import { type Accumulation, F32_ACCUMULATION, F64_ACCUMULATION, type Reals } from "./accumulation.js";

/**
 * How reals are computed and kept.
 * - `f64`: float64 throughout; dtype f32 is held in a Float64Array.
 * - `f32`: every arithmetic result is rounded to float32 (round to nearest even); held in a Float32Array.
 *   exp, log, pow and sigmoid are the float64 result rounded once.
 */
export type Precision = "f64" | "f32";

/** Data of a tensor of any dtype. */
export type Elements = Reals | Int32Array | Uint8Array;

/** What an op's meaning needs to know of the precision. */
export interface Arithmetic extends Accumulation {
  readonly precision: Precision;
  /** `size` zeros. A store into it rounds to the precision. */
  reals(size: number): Reals;
}

const ARITHMETIC: Readonly<Record<Precision, Arithmetic>> = {
  f64: { precision: "f64", reals: (size) => new Float64Array(size), ...F64_ACCUMULATION },
  f32: { precision: "f32", reals: (size) => new Float32Array(size), ...F32_ACCUMULATION },
};

export function arithmeticOf(precision: Precision): Arithmetic {
  return ARITHMETIC[precision];
}

/** A zero-filled array for elements of `dtype`. */
export function allocateElements(dtype: DType, size: number, arithmetic: Arithmetic): Elements {
  switch (dtype) {
    case "f32":
      return arithmetic.reals(size);
    case "i32":
      return new Int32Array(size);
    case "bool":
      return new Uint8Array(size);
  }
}

/** `data` in the precision's representation; the same array when it already is, a rounded or widened copy otherwise. */
export function inPrecision(data: Elements, arithmetic: Arithmetic): Elements {
  const foreign = arithmetic.precision === "f32" ? data instanceof Float64Array : data instanceof Float32Array;
  if (!foreign) return data;
  const converted = arithmetic.reals(data.length);
  converted.set(data);
  return converted;
}
