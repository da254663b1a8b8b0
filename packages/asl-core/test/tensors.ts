import type { Shape, TensorData } from "../src/types/tensor.js";

export {
  type DType,
  f32,
  i32,
  type Shape,
  sizeOf,
  type TensorData,
  type Tensors,
  type TensorType,
} from "../src/types/tensor.js";

/** A bool tensor of 0 and 1. */
export const bool = (shape: Shape, data: ArrayLike<number>): TensorData => ({
  type: { dtype: "bool", shape },
  data: Uint8Array.from(data),
});
