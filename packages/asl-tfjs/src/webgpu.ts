import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";

/** The backend on TensorFlow.js's WebGPU kernels, called "tfjs-webgpu"; browsers with WebGPU. */
export const tfjsWebgpuBackend = (): Backend => tfjsBackend({ tf: onlyOnTheDevice, backend: "webgpu" });

/** By default tensors of few elements are computed by the cpu backend's kernels, so that bits depend on the size. */
async function onlyOnTheDevice(): Promise<typeof tf> {
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  return tf;
}
