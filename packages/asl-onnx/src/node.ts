import type { Backend } from "asl-core";
import type { ModelProto } from "./proto/messages.js";
import { type QuantizeOptions, quantizeOnnx } from "./quantize/quantize.js";
import { hostedOnnxBackend, type OnnxBackendOptions } from "./runtime/backend.js";
import { type Binding, type BindingOptions, nodeRuntime } from "./runtime/node-runtime.js";
import { type OnnxModelSession, type OpenOptions, openOnnxModel } from "./runtime/open-model.js";
import { workerThreads } from "./threads/worker-threads.js";

export type { Binding, BindingOptions };

/** Without a runtime, and with the choice of what calls onnxruntime-node's. */
type OnNode<O> = Omit<O, "runtime"> & BindingOptions;

/** The backend on onnxruntime-node. */
export function onnxNodeBackend(options: OnNode<OnnxBackendOptions> = {}): Backend {
  const threads = workerThreads(options.threads);
  return {
    name: options.provider === "webgpu" ? "onnx-webgpu" : "onnx",
    compile: async (state, programs) =>
      hostedOnnxBackend({ ...options, runtime: await nodeRuntime(options) }, threads).compile(state, programs),
  };
}

/** `openOnnxModel` on onnxruntime-node. */
export async function openOnnxModelNode(
  model: Uint8Array | ModelProto,
  options: OnNode<OpenOptions> = {},
): Promise<OnnxModelSession> {
  return openOnnxModel(model, { ...options, runtime: await nodeRuntime(options) });
}

/** `quantizeOnnx` on onnxruntime-node. */
export async function quantizeOnnxNode(
  bytes: Uint8Array,
  options: OnNode<QuantizeOptions>,
): ReturnType<typeof quantizeOnnx> {
  return quantizeOnnx(bytes, { ...options, runtime: await nodeRuntime(options) });
}
