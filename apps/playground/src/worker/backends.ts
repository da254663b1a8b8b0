import type { Backend } from "asl-core";
import { onnxWebBackend } from "asl-onnx/web";
import type { BackendChoice, BackendName, BackendState } from "./protocol.js";

interface Opened {
  readonly backend: Backend;
  readonly device: string;
}

/** Every backend of the page, the preferred first. An error says why it cannot run here. */
const OPEN: Readonly<Record<BackendName, () => Promise<Opened>>> = {
  webgpu: openWebgpu,
  wasm: async () => ({ backend: onnxWebBackend(), device: "ONNX Runtime Web on WebAssembly" }),
};

const NAMES: readonly BackendName[] = ["webgpu", "wasm"];

async function openWebgpu(): Promise<Opened> {
  throw new Error("this build has no WebGPU backend");
}

export interface Compiled<Result> {
  readonly result: Result;
  readonly state: BackendState;
}

/**
 * Compiles on the chosen backend. Where that one cannot run, or cannot compile this model, the next one is taken and
 * the reason is kept: WebAssembly runs everywhere.
 */
export async function compileOn<Result>(
  choice: BackendChoice,
  compile: (backend: Backend) => Promise<Result>,
): Promise<Compiled<Result>> {
  const others: { name: BackendName; reason: string }[] = [];
  const wanted = choice === "wasm" ? NAMES.filter((name) => name !== "webgpu") : NAMES;
  if (choice === "wasm") others.push({ name: "webgpu", reason: "you chose WebAssembly" });
  let last: unknown;
  for (const name of wanted) {
    try {
      const { backend, device } = await OPEN[name]();
      const result = await compile(backend);
      const unused = NAMES.slice(NAMES.indexOf(name) + 1).map((other) => ({ name: other, reason: "it is not needed" }));
      return { result, state: { running: name, device, others: [...others, ...unused] } };
    } catch (error) {
      last = error;
      others.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  throw last;
}
