import type { Backend } from "asl-core";
import * as runtime from "onnxruntime-node";
import type { ModelProto } from "./proto/messages.js";
import { type QuantizeOptions, quantizeOnnx } from "./quantize/quantize.js";
import { hostedOnnxBackend, type OnnxBackendOptions } from "./runtime/backend.js";
import { type OnnxModelSession, type OpenOptions, openOnnxModel } from "./runtime/open-model.js";
import { workerThreads } from "./threads/worker-threads.js";

/** The backend on onnxruntime-node. */
export const onnxNodeBackend = (options: Omit<OnnxBackendOptions, "runtime"> = {}): Backend =>
  hostedOnnxBackend({ ...options, runtime }, workerThreads(options.threads));

/** `openOnnxModel` on onnxruntime-node. */
export const openOnnxModelNode = (
  model: Uint8Array | ModelProto,
  options: Omit<OpenOptions, "runtime"> = {},
): Promise<OnnxModelSession> => openOnnxModel(model, { ...options, runtime });

/** `quantizeOnnx` on onnxruntime-node. */
export const quantizeOnnxNode = (
  bytes: Uint8Array,
  options: Omit<QuantizeOptions, "runtime">,
): ReturnType<typeof quantizeOnnx> => quantizeOnnx(bytes, { ...options, runtime });
