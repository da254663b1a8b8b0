import type * as tfjs from "@tensorflow/tfjs-core";
import { AslError, type DType, type Shape, type TensorData, type TensorType } from "asl-core";

/** The module @tensorflow/tfjs-core, or any that exports all of it: @tensorflow/tfjs, @tensorflow/tfjs-node. */
export type TensorFlow = typeof tfjs;

/** A tensor that TensorFlow.js holds. */
export type DeviceTensor = tfjs.Tensor;

export const DEVICE_TYPE = { f32: "float32", i32: "int32", bool: "bool" } as const satisfies Record<DType, string>;

/** A copy of a host tensor for the current TensorFlow.js backend; a float64 array is rounded to float32. */
export function toDevice(tf: TensorFlow, { type, data }: TensorData): DeviceTensor {
  // The cpu backend keeps the array that it is given, hence a copy even of a Float32Array.
  const array = type.dtype === "f32" ? Float32Array.from(data) : data.slice();
  return tf.tensor(array as Float32Array, [...type.shape], DEVICE_TYPE[type.dtype]);
}

/** A copy of a device tensor on the host; `type` is what the graph says. */
export async function toHost(name: string, tensor: DeviceTensor, type: TensorType): Promise<TensorData> {
  const data = await tensor.data();
  const fits =
    tensor.dtype === DEVICE_TYPE[type.dtype] &&
    (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array);
  if (!fits) {
    throw new AslError("ERR_ASL_BACKEND", `${name}: expected ${type.dtype}; TensorFlow.js gave ${tensor.dtype}`);
  }
  return { type, data: data.slice() };
}

/** Zeros of a type. */
export const zerosOf = (tf: TensorFlow, dtype: DType, shape: Shape): DeviceTensor =>
  tf.zeros([...shape], DEVICE_TYPE[dtype]);
