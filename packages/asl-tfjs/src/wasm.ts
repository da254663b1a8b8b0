import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "asl-core";
import { tfjsBackend } from "./backend.js";

export interface TfjsWasmOptions {
  /** Folder or URL prefix of the package's .wasm files; in Node they are found by themselves. */
  readonly wasmPaths?: string;
}

/** The backend on TensorFlow.js's WebAssembly kernels (XNNPACK), called "tfjs-wasm"; browsers and Node. */
export function tfjsWasmBackend({ wasmPaths }: TfjsWasmOptions = {}): Backend {
  if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
  return tfjsBackend({ tf, backend: "wasm" });
}
