import { DATA_TYPE, type TensorProto } from "../proto/messages.js";

type ElementType = Extract<keyof typeof DATA_TYPE, "float" | "uint8" | "int8" | "int32">;

/** An initializer; typed arrays are little-endian wherever JavaScript runs. */
export function initializer(
  name: string,
  type: ElementType,
  dims: readonly number[],
  data: Float32Array | Uint8Array | Int8Array | Int32Array,
): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: [...dims], dataType: DATA_TYPE[type], rawData };
}

/** Elements of a float32 initializer, copied: its bytes may lie at any address. */
export function floats({ rawData }: TensorProto): Float32Array {
  return new Float32Array(Uint8Array.from(rawData).buffer);
}
