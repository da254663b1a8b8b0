import type { TensorData } from "asl-core";

/** The one number that all elements are (bit for bit); undefined where they differ. */
export function uniformElement({ data }: TensorData): number | undefined {
  const first = data[0];
  if (first === undefined) return undefined;
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], first)) return undefined;
  return first;
}

/** An element as it lies in a loop's vector: float32, whole number, or a mask of 32 bits. */
export function elementBits(value: number, dtype: TensorData["type"]["dtype"]): Uint8Array {
  switch (dtype) {
    case "f32":
      return new Uint8Array(Float32Array.of(value).buffer);
    case "i32":
      return new Uint8Array(Int32Array.of(value).buffer);
    case "bool":
      return new Uint8Array(Int32Array.of(-value).buffer);
  }
}
