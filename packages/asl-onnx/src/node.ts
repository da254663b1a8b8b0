import type { Backend } from "asl-core";
import * as runtime from "onnxruntime-node";
import { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";

/** The backend on onnxruntime-node. */
export const onnxNodeBackend = (options: Omit<OnnxBackendOptions, "runtime"> = {}): Backend =>
  onnxBackend({ ...options, runtime });
