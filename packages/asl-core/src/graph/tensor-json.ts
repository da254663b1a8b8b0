import { GraphError } from "../errors/errors.js";
import { type DType, formatType, type Shape, sizeOf, type TensorData, type TensorType } from "../types/tensor.js";
import { fromBase64, toBase64 } from "./base64.js";
import { excerpt } from "./excerpt.js";

/** The arrays that hold elements on the host; a float64 interpreter holds f32 tensors in float64. */
export type Storage = "float32" | "float64" | "int32" | "uint8";

/** A number; those that JSON has no way to write are spelled out. */
export type JsonNumber = number | "NaN" | "Infinity" | "-Infinity" | "-0";

export interface TensorTypeJson {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor, bit for bit: few finite elements as numbers, all others as base64 of the little-endian bytes. */
export interface TensorJson extends TensorTypeJson {
  readonly storage: Storage;
  readonly data: readonly number[] | string;
}

/** Longer tensors are written in base64, which is shorter for f32. */
const MOST_NUMBERS = 64;

const STORAGE_DTYPES: Readonly<Record<Storage, DType>> = {
  float32: "f32",
  float64: "f32",
  int32: "i32",
  uint8: "bool",
};

export function storageOf(data: TensorData["data"]): Storage {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : "uint8";
}

/** Undefined, or what is wrong with a value that should be a TensorData. */
export function tensorFault(value: unknown): string | undefined {
  const { type, data } = (value ?? {}) as Partial<TensorData>;
  const fault = typeFault(type);
  if (fault !== undefined) return fault;
  const known = [Float32Array, Float64Array, Int32Array, Uint8Array].some((kind) => data instanceof kind);
  if (!known) return "its data must be a Float32Array, Float64Array, Int32Array or Uint8Array";
  const { dtype, shape } = type!;
  if (STORAGE_DTYPES[storageOf(data!)] !== dtype) return `${formatType(type!)} cannot be held in ${storageOf(data!)}`;
  if (data!.length !== sizeOf(shape))
    return `${formatType(type!)} needs ${sizeOf(shape)} elements; got ${data!.length}`;
  if (dtype === "bool" && data!.some((element) => element > 1)) return "bool elements must be 0 or 1";
  return undefined;
}

/** Undefined, or what is wrong with a value that should be a TensorType. */
export function typeFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "a type {dtype, shape} is missing";
  const { dtype, shape } = value as Partial<TensorType>;
  if (dtype !== "f32" && dtype !== "i32" && dtype !== "bool") {
    return `dtype must be f32, i32 or bool; got ${excerpt(dtype)}`;
  }
  const isExtent = (extent: unknown) => Number.isSafeInteger(extent) && (extent as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isExtent)) {
    return `shape must be a list of integers >= 0; got ${excerpt(shape)}`;
  }
  if (!Number.isSafeInteger(sizeOf(shape))) return `shape ${excerpt(shape)} has more elements than can be counted`;
  return undefined;
}

export function tensorToJson({ type, data }: TensorData): TensorJson {
  const plain =
    data.length <= MOST_NUMBERS && data.every((element) => Number.isFinite(element) && !Object.is(element, -0));
  return {
    dtype: type.dtype,
    shape: [...type.shape],
    storage: storageOf(data),
    data: plain ? Array.from(data) : toBase64(littleEndianBytes(data)),
  };
}

/** Throws GraphError for anything that `tensorToJson` does not write. */
export function tensorFromJson(json: unknown): TensorData {
  const fault = typeFault(json);
  if (fault !== undefined) throw new GraphError(fault);
  const { dtype, shape, storage, data } = json as TensorJson;
  if (!Object.hasOwn(STORAGE_DTYPES, storage) || STORAGE_DTYPES[storage] !== dtype) {
    throw new GraphError(`storage ${excerpt(storage)} does not hold ${dtype}`);
  }
  const type = { dtype, shape: [...shape] };
  const tensor = { type, data: typeof data === "string" ? fromBytes(storage, data) : fromNumbers(storage, data) };
  const mismatch = tensorFault(tensor);
  if (mismatch !== undefined) throw new GraphError(mismatch);
  return tensor;
}

export function numberToJson(value: number): JsonNumber {
  if (Object.is(value, -0)) return "-0";
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}

/** Undefined for anything that `numberToJson` does not write. */
export function numberFromJson(json: unknown): number | undefined {
  if (typeof json === "number") return json;
  return json === "NaN" || json === "Infinity" || json === "-Infinity" || json === "-0" ? Number(json) : undefined;
}

function fromNumbers(storage: Storage, data: unknown): TensorData["data"] {
  if (!Array.isArray(data)) throw new GraphError("data must be a list of numbers or a base64 text");
  const array = new CONSTRUCTORS[storage](data.length);
  data.forEach((element: unknown, i) => {
    if (typeof element === "number") array[i] = element;
    if (array[i] !== element) throw new GraphError(`element ${i}: ${excerpt(element)} is not a ${storage}`);
  });
  return array;
}

const CONSTRUCTORS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;

/** Bytes as they lie in memory on every machine of today; the words of a big-endian one are turned around. */
export function littleEndianBytes(data: TensorData["data"]): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return HOST_IS_LITTLE_ENDIAN ? bytes : withWordsReversed(bytes, data.BYTES_PER_ELEMENT);
}

function fromBytes(storage: Storage, text: string): TensorData["data"] {
  const kind = CONSTRUCTORS[storage];
  const bytes = fromBase64(text);
  if (bytes.length % kind.BYTES_PER_ELEMENT !== 0) {
    throw new GraphError(`${storage} elements have ${kind.BYTES_PER_ELEMENT} bytes; got ${bytes.length} bytes`);
  }
  const ordered = HOST_IS_LITTLE_ENDIAN ? bytes : withWordsReversed(bytes, kind.BYTES_PER_ELEMENT);
  return new kind(ordered.buffer as ArrayBuffer);
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function withWordsReversed(bytes: Uint8Array, width: number): Uint8Array {
  return Uint8Array.from(bytes, (_, i) => bytes[i - (i % width) + (width - 1 - (i % width))]!);
}
