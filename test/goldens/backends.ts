import type { Backend, Graph, Program, Tensors } from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { referenceBackend } from "asl-reference";
import { tfjsCpuBackend } from "asl-tfjs/cpu";
import { isTfjsNodeInstalled, tfjsNodeBackend } from "asl-tfjs/node";
import { tfjsWasmBackend } from "asl-tfjs/wasm";
import { hasWebgpuAdapter, webgpuNodeBackend } from "asl-webgpu/node";

export interface BackendUnderTest {
  readonly name: string;
  /** Which contract its results are held to. */
  readonly precision: "f64" | "f32";
  readonly backend: () => Backend;
  /** Tests beside its package run `conformance` on it, and so the official networks with the exact loss. */
  readonly conformsElsewhere?: true;
}

/** One device for all tests of a file: it keeps the kernels that it has compiled. */
const webgpu = webgpuNodeBackend();

export const BACKENDS_UNDER_TEST: readonly BackendUnderTest[] = [
  {
    name: "reference-f64",
    precision: "f64",
    backend: () => referenceBackend({ precision: "f64" }),
    conformsElsewhere: true,
  },
  {
    name: "reference-f32",
    precision: "f32",
    backend: () => referenceBackend({ precision: "f32" }),
    conformsElsewhere: true,
  },
  { name: "onnx", precision: "f32", backend: () => onnxNodeBackend() },
  { name: "tfjs-cpu", precision: "f32", backend: () => tfjsCpuBackend() },
  { name: "tfjs-wasm", precision: "f32", backend: () => tfjsWasmBackend() },
  // where scripts/install-tfjs-node.sh has built its native add-on
  ...(isTfjsNodeInstalled()
    ? [{ name: "tfjs-node", precision: "f32", backend: () => tfjsNodeBackend() } as const]
    : []),
  // where there is a GPU, or SwiftShader; packages/asl-webgpu/test/conformance.test.ts says so when there is none
  ...((await hasWebgpuAdapter())
    ? [{ name: "webgpu", precision: "f32", backend: () => webgpu, conformsElsewhere: true } as const]
    : []),
];

/** Runs a stateless graph once. */
export async function runOnce(backend: Backend, graph: Graph, feeds: Tensors): Promise<Tensors> {
  const program: Program = { graph, reads: {}, writes: {}, finite: [] };
  await using session = await backend.compile({}, { once: program });
  return await session.run("once", feeds);
}
