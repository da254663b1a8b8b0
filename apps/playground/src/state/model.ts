import { signal } from "@preact/signals";
import { proxy, type Remote, transfer, wrap } from "comlink";
import type { BackendChoice, BackendState, ModelAbout, ModelFile, ModelWorker } from "../worker/protocol.js";
import { announce, messageOf } from "./announce.js";

interface Loading {
  readonly name: string;
  readonly stage: string;
}

interface Running {
  readonly thread: Worker;
  readonly remote: Remote<ModelWorker>;
}

export const about = signal<ModelAbout | null>(null);
/** Grows with each model that is loaded. */
export const modelNumber = signal(0);
export const backend = signal<BackendState | null>(null);
export const choice = signal<BackendChoice>("auto");
export const loading = signal<Loading | null>(null);
export const modelError = signal<string | null>(null);
/** Whether the backend is being changed. */
export const switching = signal(false);

let current: Running | undefined;
let pending: Running | undefined;

/** The worker of the loaded model. Throws where none is loaded. */
export function modelWorker(): Remote<ModelWorker> {
  if (current === undefined) throw new Error("load a model first");
  return current.remote;
}

function start(): Running {
  const thread = new Worker(new URL("../worker/model-worker.ts", import.meta.url), { type: "module", name: "model" });
  return { thread, remote: wrap<ModelWorker>(thread) };
}

/**
 * Loads a model in a worker of its own; the one before stays until the new one works. `read` gives its bytes. Resolves
 * to whether the model is there.
 */
export async function loadModel(name: string, read: () => Promise<ArrayBuffer>): Promise<boolean> {
  cancelLoading();
  modelError.value = null;
  loading.value = { name, stage: "Fetching the file" };
  const running = start();
  pending = running;
  const isCurrent = () => pending === running;
  try {
    const file: ModelFile = { name, bytes: await read() };
    if (!isCurrent()) return false;
    const onStage = (stage: string) => {
      if (isCurrent()) loading.value = { name, stage };
    };
    const opened = await running.remote.open(transfer(file, [file.bytes]), choice.value, proxy(onStage));
    if (!isCurrent()) return false;
    current?.thread.terminate();
    current = running;
    pending = undefined;
    modelNumber.value += 1;
    about.value = opened.about;
    backend.value = opened.backend;
    announce(`${name} is loaded: ${opened.about.classNames.length} labels`);
    return true;
  } catch (error) {
    if (!isCurrent()) return false;
    running.thread.terminate();
    pending = undefined;
    modelError.value = messageOf(error);
    return false;
  } finally {
    if (pending === undefined) loading.value = null;
  }
}

/** Ends a loading; the model before it stays. */
export function cancelLoading(): void {
  pending?.thread.terminate();
  pending = undefined;
  loading.value = null;
}

export async function chooseBackend(chosen: BackendChoice): Promise<void> {
  choice.value = chosen;
  if (current === undefined) return;
  switching.value = true;
  try {
    backend.value = await current.remote.use(chosen);
    announce(`The model runs on ${backendTitle(backend.value)}`);
  } catch (error) {
    modelError.value = messageOf(error);
  } finally {
    switching.value = false;
  }
}

export const BACKEND_TITLES = { webgpu: "WebGPU", wasm: "WebAssembly" } as const;

export const backendTitle = ({ running }: BackendState): string => BACKEND_TITLES[running];
