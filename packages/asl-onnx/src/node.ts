import type { Backend } from "asl-core";
import type { ModelProto } from "./proto/messages.js";
import { type QuantizeOptions, quantizeOnnx } from "./quantize/quantize.js";
import { hostedOnnxBackend, type OnnxBackendOptions } from "./runtime/backend.js";
import { type Binding, nodeRuntime } from "./runtime/node-runtime.js";
import { type OnnxModelSession, type OpenOptions, openOnnxModel } from "./runtime/open-model.js";
import { workerThreads } from "./threads/worker-threads.js";

export type { Binding };

/** What calls the library of onnxruntime-node; default: `node`. */
export interface BindingOption {
  readonly binding?: Binding;
}

/** The backend on onnxruntime-node. */
export function onnxNodeBackend(options: Omit<OnnxBackendOptions, "runtime"> & BindingOption = {}): Backend {
  const { binding, ...rest } = options;
  const threads = workerThreads(options.threads);
  return {
    name: "onnx",
    compile: async (state, programs) =>
      hostedOnnxBackend({ ...rest, runtime: await nodeRuntime(binding) }, threads).compile(state, programs),
  };
}

/** `openOnnxModel` on onnxruntime-node. */
export async function openOnnxModelNode(
  model: Uint8Array | ModelProto,
  { binding, ...options }: Omit<OpenOptions, "runtime"> & BindingOption = {},
): Promise<OnnxModelSession> {
  return openOnnxModel(model, { ...options, runtime: await nodeRuntime(binding) });
}

/** `quantizeOnnx` on onnxruntime-node. */
export async function quantizeOnnxNode(
  bytes: Uint8Array,
  { binding, ...options }: Omit<QuantizeOptions, "runtime"> & BindingOption,
): ReturnType<typeof quantizeOnnx> {
  return quantizeOnnx(bytes, { ...options, runtime: await nodeRuntime(binding) });
}
