import "@tensorflow/tfjs-backend-webgl";
import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";

/** The backend on TensorFlow.js's WebGL kernels, called "tfjs-webgl"; browsers. */
export const tfjsWebglBackend = (): Backend => tfjsBackend({ tf: onlyOnTheDevice, backend: "webgl" });

/** By default tensors of few elements are computed by the cpu backend's kernels, so that bits depend on the size. */
async function onlyOnTheDevice(): Promise<typeof tf> {
  tf.env().set("WEBGL_CPU_FORWARD", false);
  return tf;
}
