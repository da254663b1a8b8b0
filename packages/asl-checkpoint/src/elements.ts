import type { DType, TensorData } from "asl-core";

/** How numbers stand in a file, little-endian; the names are those of safetensors. */
export type ElementType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

interface ElementCodec {
  readonly bytes: number;
  readonly dtype: DType;
  /** Host values of little-endian file bytes (whose buffer starts at an 8-byte boundary and may be kept). */
  readonly decode: (buffer: ArrayBuffer) => TensorData["data"];
}

/** A number in a file does not fit the host representation; the caller adds file and tensor name. */
export class ElementRangeError extends RangeError {}

const decode16 = (buffer: ArrayBuffer, toFloat: (bits: number) => number): Float32Array => {
  const bits = new Uint16Array(buffer);
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = toFloat(bits[i]!);
  return result;
};

const decodeInt64 = (values: BigInt64Array | BigUint64Array): Int32Array => {
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < -2147483648n || value > 2147483647n) throw outOfRange(i, String(value));
    result[i] = Number(value);
  }
  return result;
};

const outOfRange = (index: number, value: string): ElementRangeError =>
  new ElementRangeError(`element ${index} is ${value}, outside the 32-bit integers that are supported`);

/** Every element type: its size, the dtype it becomes, and its decoding. F16 and BF16 widen to f32 without loss. */
const CODECS: Readonly<Record<ElementType, ElementCodec>> = {
  F64: { bytes: 8, dtype: "f32", decode: (buffer) => new Float64Array(buffer) },
  F32: { bytes: 4, dtype: "f32", decode: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, dtype: "f32", decode: (buffer) => decode16(buffer, halfToFloat) },
  BF16: { bytes: 2, dtype: "f32", decode: decodeBfloat16 },
  I64: { bytes: 8, dtype: "i32", decode: (buffer) => decodeInt64(new BigInt64Array(buffer)) },
  I32: { bytes: 4, dtype: "i32", decode: (buffer) => new Int32Array(buffer) },
  I16: { bytes: 2, dtype: "i32", decode: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  I8: { bytes: 1, dtype: "i32", decode: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  U64: { bytes: 8, dtype: "i32", decode: (buffer) => decodeInt64(new BigUint64Array(buffer)) },
  U32: {
    bytes: 4,
    dtype: "i32",
    decode: (buffer) => {
      const values = new Uint32Array(buffer);
      const wide = values.findIndex((value) => value > 0x7fffffff);
      if (wide >= 0) throw outOfRange(wide, String(values[wide]));
      return new Int32Array(buffer);
    },
  },
  U16: { bytes: 2, dtype: "i32", decode: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  U8: { bytes: 1, dtype: "i32", decode: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  BOOL: {
    bytes: 1,
    dtype: "bool",
    decode: (buffer) => new Uint8Array(buffer).map((byte) => (byte === 0 ? 0 : 1)),
  },
};

export function isElementType(name: string): name is ElementType {
  return Object.hasOwn(CODECS, name);
}

export const ELEMENT_TYPES: readonly string[] = Object.keys(CODECS);

/** Bytes of one element in a file. */
export function elementBytes(type: ElementType): number {
  return CODECS[type].bytes;
}

/** The dtype that elements of this type have once read. 64-bit and unsigned integers become i32 if they fit. */
export function elementDType(type: ElementType): DType {
  return CODECS[type].dtype;
}

/** Throws ElementRangeError when an integer does not fit in 32 bits. */
export function decodeElements(type: ElementType, buffer: ArrayBuffer): TensorData["data"] {
  return CODECS[type].decode(buffer);
}

/** bfloat16 is the upper half of a float32. */
function decodeBfloat16(buffer: ArrayBuffer): Float32Array {
  const bits = new Uint16Array(buffer);
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}

/**
 * IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
 * exponent 0: fraction * 2^-24; exponent 31: infinity or NaN; else (1024 + fraction) * 2^(exponent - 25).
 */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
