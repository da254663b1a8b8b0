import { AslError, type DType, type TensorData, type TensorType } from "asl-core";
import type { InferenceSession, OnnxValue, Tensor, TensorConstructor } from "onnxruntime-common";

/** What of onnxruntime-common's interface is used; onnxruntime-node and onnxruntime-web have it. */
export interface OnnxRuntime {
  readonly Tensor: TensorConstructor;
  readonly InferenceSession: {
    create(file: string, options?: InferenceSession.SessionOptions): Promise<RuntimeSession>;
    create(bytes: Uint8Array, options?: InferenceSession.SessionOptions): Promise<RuntimeSession>;
  };
}

export interface RuntimeSession {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, OnnxValue>>>;
  /** `fetches`: the outputs, each with a tensor to write into or null. */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: Readonly<Record<string, Tensor | null>>,
  ): Promise<Readonly<Record<string, OnnxValue>>>;
  /** Writes the profile of a session with `enableProfiling`. */
  endProfiling(): void;
  release(): Promise<void>;
}

const RUNTIME_TYPE = { f32: "float32", i32: "int32", bool: "bool" } as const satisfies Record<DType, Tensor.Type>;

/** A tensor for the runtime over the same memory; a float64 host array is rounded to float32 first. */
export function toRuntime(runtime: OnnxRuntime, { type, data }: TensorData): Tensor {
  const array = type.dtype === "f32" && !(data instanceof Float32Array) ? new Float32Array(data) : data;
  return new runtime.Tensor(RUNTIME_TYPE[type.dtype], array as Float32Array, [...type.shape]);
}

/** The array of a tensor that the runtime returned; `type` is what the graph says. */
export function fromRuntime(name: string, tensor: Tensor, type: TensorType): TensorData {
  const { data } = tensor;
  const fits =
    tensor.type === RUNTIME_TYPE[type.dtype] &&
    (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array);
  if (!fits) {
    throw new AslError("ERR_ASL_BACKEND", `output "${name}": expected ${type.dtype}; ONNX Runtime gave ${tensor.type}`);
  }
  return { type, data };
}
