import { Worker } from "node:worker_threads";
import { AslError } from "asl-core";
import { type RendererOptions, renderScenes, type SceneRecord } from "./renderer.js";
import type { SceneRange, SceneResponse } from "./worker.js";

const BLOCK = 32;

/** Renders all scenes in blocks on `workers` threads (0: the calling one); records come back in scene order. */
export async function renderAll(
  options: RendererOptions,
  workers: number,
  signal: AbortSignal | undefined,
  onProgress: (done: number) => void,
): Promise<SceneRecord[]> {
  const { scenes } = options.parameters;
  const records = new Array<SceneRecord>(scenes);
  let next = 0;
  let done = 0;
  let failed = false;
  const takeBlocks = async (render: (range: SceneRange) => Promise<readonly SceneRecord[]>): Promise<void> => {
    while (next < scenes && !failed) {
      signal?.throwIfAborted();
      const first = next;
      next = Math.min(scenes, first + BLOCK);
      for (const record of await render({ first, last: next })) {
        records[record.index] = record;
        done++;
      }
      onProgress(done);
    }
  };
  if (workers === 0) {
    await takeBlocks(({ first, last }) => renderScenes(options, first, last));
    return records;
  }
  const count = Math.min(workers, Math.ceil(scenes / BLOCK));
  const threads = Array.from({ length: count }, () => openThread(options));
  try {
    await Promise.all(
      threads.map(async ({ render }) => {
        try {
          await takeBlocks(render);
        } catch (thrown) {
          failed = true;
          throw thrown;
        }
      }),
    );
  } finally {
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
  return records;
}

interface RenderThread {
  readonly worker: Worker;
  readonly render: (range: SceneRange) => Promise<readonly SceneRecord[]>;
}

function openThread(options: RendererOptions): RenderThread {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: options, execArgv: [] });
  const render = (range: SceneRange) =>
    new Promise<readonly SceneRecord[]>((resolve, reject) => {
      const onMessage = (response: SceneResponse) => {
        stopListening();
        if (response.kind === "rendered") resolve(response.records);
        else reject(rebuilt(response));
      };
      const onError = (error: unknown) => {
        stopListening();
        reject(error);
      };
      const onExit = (code: number) =>
        onError(new AslError("ERR_ASL_WORKER", `emoji scenes: a worker thread stopped with code ${code}`));
      const stopListening = () => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      };
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      worker.postMessage(range);
    });
  return { worker, render };
}

function rebuilt({ message, systemCode }: Extract<SceneResponse, { kind: "failure" }>): Error {
  return systemCode === ""
    ? new AslError("ERR_ASL_WORKER", message)
    : Object.assign(new Error(message), { code: systemCode, syscall: "write" });
}
