import type { Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";
import { isNativeInstalled, loadNative } from "./native.js";

const PACKAGE = "@tensorflow/tfjs-node";

/** The backend on TensorFlow's C library through @tensorflow/tfjs-node, called "tfjs-node". Loads it at `compile`. */
export const tfjsNodeBackend = (): Backend =>
  tfjsBackend({ tf: async () => loadNative(PACKAGE), backend: "tensorflow", name: "tfjs-node" });

/** Whether @tensorflow/tfjs-node is installed with its native add-on. */
export const isTfjsNodeInstalled = (): boolean => isNativeInstalled(PACKAGE);
