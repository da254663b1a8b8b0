import type { Backend } from "asl-core";
import { tfjsCpuBackend } from "../src/cpu.js";
import { isTfjsNodeInstalled, tfjsNodeBackend } from "../src/node.js";
import { tfjsWasmBackend } from "../src/wasm.js";

export interface BackendUnderTest {
  readonly name: string;
  readonly backend: Backend;
  /** Deviation: TensorFlow's kernels run with the processor's "denormals are zero" and "flush to zero". */
  readonly flushesSubnormals?: true;
}

/** tfjs-node is among them where its native add-on is built (scripts/install-tfjs-node.sh). */
export const BACKENDS: readonly BackendUnderTest[] = [
  { name: "tfjs-cpu", backend: tfjsCpuBackend() },
  { name: "tfjs-wasm", backend: tfjsWasmBackend() },
  ...(isTfjsNodeInstalled()
    ? [{ name: "tfjs-node", backend: tfjsNodeBackend(), flushesSubnormals: true } as const]
    : []),
];
