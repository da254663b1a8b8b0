import { parentPort, workerData } from "node:worker_threads";
import { messageOf, systemCodeOf } from "../errors.js";
import { type RendererOptions, renderScenes, type SceneRecord } from "./renderer.js";

/** A range of scenes to render: first .. last - 1. */
export interface SceneRange {
  readonly first: number;
  readonly last: number;
}

export type SceneResponse =
  | { readonly kind: "rendered"; readonly records: readonly SceneRecord[] }
  | {
      readonly kind: "failure";
      readonly message: string;
      /** Of a file system error, else "": an Error loses its code on the way between threads. */
      readonly systemCode: string;
    };

const port = parentPort;
if (port === null) throw new Error("asl-data's emoji scenes worker runs in a worker thread only");

port.on("message", async ({ first, last }: SceneRange) => {
  try {
    const records = await renderScenes(workerData as RendererOptions, first, last);
    port.postMessage({ kind: "rendered", records } satisfies SceneResponse);
  } catch (thrown) {
    const failure = { kind: "failure", message: messageOf(thrown), systemCode: systemCodeOf(thrown) } as const;
    port.postMessage(failure satisfies SceneResponse);
  }
});
