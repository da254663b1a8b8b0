import type { Backend } from "asl-core";
import * as runtime from "onnxruntime-web/wasm";
import { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";

/** The backend on onnxruntime-web's WebAssembly; runs in browsers and in Node. */
export const onnxWebBackend = (options: Omit<OnnxBackendOptions, "runtime"> = {}): Backend =>
  onnxBackend({ ...options, runtime });
