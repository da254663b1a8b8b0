import type { Backend } from "asl-core";
import { tfjsCpuBackend } from "../src/cpu.js";
import { tfjsWasmBackend } from "../src/wasm.js";

export interface BackendUnderTest {
  readonly name: string;
  readonly backend: Backend;
}

export const BACKENDS: readonly BackendUnderTest[] = [
  { name: "tfjs-cpu", backend: tfjsCpuBackend() },
  { name: "tfjs-wasm", backend: tfjsWasmBackend() },
];
