import { type DType, sizeOf, type TensorType } from "asl-core";

/** How elements lie in a buffer: bool as u32, for WGSL has no storable bool; f32 rounded to 16 bits where that is asked for. */
export const STORED = { f32: "f32", i32: "i32", bool: "u32" } as const satisfies Record<DType, string>;
export const STORED_HALF = "f16";

/** How elements are computed with. */
export const COMPUTED = { f32: "f32", i32: "i32", bool: "bool" } as const satisfies Record<DType, string>;

/** Bytes of a tensor's elements in a buffer. */
export const storedBytes = ({ shape }: TensorType, isHalf = false): number => sizeOf(shape) * (isHalf ? 2 : 4);

/** Whole groups of four elements, so that a buffer can be read in fours; at least one, for no binding is empty. */
export const paddedBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

export const loaded = (dtype: DType, element: string) => (dtype === "bool" ? `(${element} != 0u)` : element);
export const stored = (dtype: DType, value: string) => (dtype === "bool" ? `select(0u, 1u, ${value})` : value);

const bits = new DataView(new ArrayBuffer(4));

/** A number as WGSL writes it. Infinities and NaN need the run-time `zero`; so does what a device might flush. */
export function literal(dtype: DType, value: number): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (dtype === "i32") return value === -(2 ** 31) ? "(-2147483647 - 1)" : value < 0 ? `(${value})` : `${value}`;
  const rounded = Math.fround(value);
  const isNormal = Number.isFinite(rounded) && (Math.abs(rounded) >= 2 ** -126 || Object.is(rounded, 0));
  if (!isNormal) {
    bits.setFloat32(0, rounded);
    return `bitcast<f32>(0x${bits.getUint32(0).toString(16).padStart(8, "0")}u ^ zero)`;
  }
  const text = rounded.toString();
  const written = /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
  return rounded < 0 ? `(${written})` : written;
}
