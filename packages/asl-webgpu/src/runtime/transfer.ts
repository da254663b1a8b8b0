import { allocate, sizeOf, type TensorData, type TensorType } from "asl-core";

/** The elements as buffers hold them: float64 is rounded to float32, bool becomes u32. */
export function toStored({
  type,
  data,
}: TensorData): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  switch (type.dtype) {
    case "f32":
      return ownFloats(data);
    case "i32":
      return Int32Array.from(data);
    case "bool":
      return Uint32Array.from(data);
  }
}

function ownFloats(data: TensorData["data"]): Float32Array<ArrayBuffer> {
  const isPlain = data instanceof Float32Array && data.buffer instanceof ArrayBuffer;
  return isPlain ? (data as Float32Array<ArrayBuffer>) : Float32Array.from(data);
}

/** A tensor of its own from bytes that were read back. */
export function fromStored(type: TensorType, bytes: ArrayBuffer, offset: number): TensorData {
  const size = sizeOf(type.shape);
  const data = allocate(type.dtype, size);
  switch (type.dtype) {
    case "f32":
      data.set(new Float32Array(bytes, offset, size));
      break;
    case "i32":
      data.set(new Int32Array(bytes, offset, size));
      break;
    case "bool":
      data.set(new Uint32Array(bytes, offset, size));
      break;
  }
  return { type, data };
}
