import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";

/** The backend on TensorFlow.js's plain JavaScript kernels, called "tfjs-cpu": slow, and runs everywhere. */
export const tfjsCpuBackend = (): Backend => tfjsBackend({ tf: withoutGreeting, backend: "cpu" });

/** The first tensor of the cpu backend in Node prints a banner for another package, except in production mode. */
async function withoutGreeting(): Promise<typeof tf> {
  const environment = tf.env();
  const production = environment.getBool("PROD");
  environment.set("PROD", true);
  try {
    await tf.setBackend("cpu");
    tf.scalar(0).dispose();
  } finally {
    environment.set("PROD", production);
  }
  return tf;
}
