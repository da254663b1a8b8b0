import type { Backend } from "asl-core";
import { onnxWebBackend } from "asl-onnx/web";
import { webgpuBackend } from "asl-webgpu";
import type { BackendChoice, BackendName, BackendState } from "./protocol.js";

export interface Opened {
  readonly backend: Backend;
  readonly device: string;
}

/** Every backend of the page, the preferred first. An error says why it cannot run here. */
const OPEN: Readonly<Record<BackendName, () => Promise<Opened>>> = {
  webgpu: openWebgpu,
  wasm: async () => ({ backend: onnxWebBackend(), device: "ONNX Runtime Web on WebAssembly" }),
};

const NAMES: readonly BackendName[] = ["webgpu", "wasm"];

/** Keeps the adapter's description beside the backend that asks for the same adapter. */
async function openWebgpu(): Promise<Opened> {
  const { gpu } = navigator;
  if (gpu === undefined) {
    throw new Error(
      isSecureContext
        ? "this browser has no WebGPU; Chrome and Edge 113, Firefox 141 and Safari 26 have it"
        : "browsers offer WebGPU on https and localhost pages only",
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("the browser has WebGPU, but no graphics device or driver that it accepts");
  const { vendor, architecture, device, description } = adapter.info;
  const parts = [description, [vendor, architecture, device].filter((part) => part !== "").join(" ")];
  const backend = webgpuBackend({ adapter: { powerPreference: "high-performance" } });
  return { backend, device: parts.find((part) => part !== "") ?? "an adapter that does not say its name" };
}

/** Opens one backend. Throws an Error that says why it cannot run here. */
export const openBackend = (name: BackendName): Promise<Opened> => OPEN[name]();

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
      const { backend, device } = await openBackend(name);
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
