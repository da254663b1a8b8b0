import type { Backend } from "asl-core";
import * as runtime from "onnxruntime-web";
import type { ModelProto } from "./proto/messages.js";
import { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";
import { type OnnxModelSession, type OpenOptions, openOnnxModel } from "./runtime/open-model.js";

/** The backend on onnxruntime-web's WebAssembly; runs in browsers and in Node. */
export const onnxWebBackend = (options: Omit<OnnxBackendOptions, "runtime"> = {}): Backend =>
  onnxBackend({ ...options, runtime });

/** `openOnnxModel` on onnxruntime-web. */
export const openOnnxModelWeb = (
  model: Uint8Array | ModelProto,
  options: Omit<OpenOptions, "runtime"> = {},
): Promise<OnnxModelSession> => openOnnxModel(model, { ...options, runtime });
