import { AslError, type Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";
import { loadNative } from "./native.js";
import type { TensorFlow } from "./tensorflow.js";

const PACKAGE = "@tensorflow/tfjs-node-gpu";

/**
 * The backend on TensorFlow's C library for CUDA through @tensorflow/tfjs-node-gpu, called "tfjs-node-gpu". `compile`
 * throws AslError where the native module or a usable GPU is missing: TensorFlow itself would go on without a word, on
 * the CPU.
 */
export const tfjsNodeGpuBackend = (): Backend =>
  tfjsBackend({ tf: load, backend: "tensorflow", name: "tfjs-node-gpu" });

const NEEDS =
  "it needs Linux or Windows on x64, an NVIDIA GPU with its driver, and the CUDA 11.2 and cuDNN 8.1 libraries " +
  "that TensorFlow 2.9 loads";

async function load(): Promise<TensorFlow> {
  // TF32 keeps 10 bits of each factor of a convolution, far outside of the contract of float32 sums.
  process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  let tf: TensorFlow;
  try {
    tf = loadNative(PACKAGE);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new AslError("ERR_ASL_BACKEND", `${message}. On a GPU ${NEEDS}. Without one, use asl-tfjs/node`, { cause });
  }
  await tf.setBackend("tensorflow");
  if (!usesGpu(tf.backend())) {
    const message = `${PACKAGE}: TensorFlow sees no GPU; ${NEEDS}. Without one, use asl-tfjs/node`;
    throw new AslError("ERR_ASL_BACKEND", message);
  }
  return tf;
}

/** Whether the native backend computes on a GPU. */
export const usesGpu = (backend: object): boolean => "isUsingGpuDevice" in backend && backend.isUsingGpuDevice === true;
