import { DATA_TYPE, type TensorProto } from "./messages.js";

type Elements = Float32Array | Float64Array | Int8Array | Uint8Array | Uint16Array | Int32Array | BigInt64Array;

/** A tensor of `data`, whose elements are of `dataType`, without a copy; typed arrays are little-endian wherever JavaScript runs. */
export function tensorProto(name: string, dataType: number, dims: readonly number[], data: Elements): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: [...dims], dataType, rawData };
}

/** Axes, a shape, or pads. */
export const int64Proto = (name: string, values: readonly number[]): TensorProto =>
  tensorProto(name, DATA_TYPE.int64, [values.length], BigInt64Array.from(values, BigInt));

/** Elements of a float32 tensor, copied: its bytes may lie at any address. */
export function floatsOf({ rawData }: TensorProto): Float32Array {
  return new Float32Array(Uint8Array.from(rawData).buffer);
}
