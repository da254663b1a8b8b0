import { AslError, type Backend } from "asl-core";
import * as runtime from "onnxruntime-web/webgpu";
import { type OnnxBackendOptions, onnxBackend } from "./runtime/backend.js";

/** The backend on onnxruntime-web's WebGPU kernels, called "onnx-webgpu"; browsers with WebGPU. */
export function onnxWebgpuBackend(options: Omit<OnnxBackendOptions, "runtime" | "provider"> = {}): Backend {
  const backend = onnxBackend({ ...options, runtime, provider: "webgpu" });
  return {
    ...backend,
    async compile(state, programs) {
      await requireAdapter();
      return backend.compile(state, programs);
    },
  };
}

/** Throws AslError ERR_ASL_BACKEND where there is no WebGPU. */
async function requireAdapter(): Promise<void> {
  const { gpu } = (globalThis.navigator ?? {}) as { readonly gpu?: { requestAdapter(): Promise<object | null> } };
  if (gpu === undefined) {
    throw new AslError(
      "ERR_ASL_BACKEND",
      "onnx-webgpu: navigator.gpu is missing: ONNX Runtime's WebGPU runs in browsers with WebGPU on pages from https or " +
        "localhost; in Node use asl-onnx/node, asl-onnx/web or asl-webgpu/node",
    );
  }
  if ((await gpu.requestAdapter()) === null) {
    throw new AslError("ERR_ASL_BACKEND", "onnx-webgpu: the browser has WebGPU, but no adapter (a GPU or SwiftShader)");
  }
}
