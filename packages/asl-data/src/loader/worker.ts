import { parentPort, workerData } from "node:worker_threads";
import { messageOf, PictureError } from "../errors.js";
import type { Request, Response } from "./messages.js";
import { BatchPreparer, type PreparerOptions } from "./preparer.js";

const port = parentPort;
if (port === null) throw new Error("asl-data's loader worker runs in a worker thread only");

const preparer = new BatchPreparer(workerData as PreparerOptions);
const cancelled = new Set<number>();
let last: Promise<void> = Promise.resolve();

port.on("message", (request: Request) => {
  if (request.kind === "cancel") {
    cancelled.add(request.id);
    return;
  }
  // One batch after the other; the port holds the queue, so no thread waits for a busy main thread.
  last = last.then(() => respond(request.id, request.task));
});

async function respond(id: number, task: Extract<Request, { kind: "prepare" }>["task"]): Promise<void> {
  if (cancelled.delete(id)) return;
  try {
    const batch = await preparer.prepare(task);
    send({ kind: "prepared", id, batch }, [batch.images.buffer, batch.targets.buffer]);
  } catch (thrown) {
    if (thrown instanceof PictureError) {
      const { file, reason, message } = thrown;
      send({ kind: "pictureFailure", id, failure: { file, reason, message } });
    } else {
      send({
        kind: "failure",
        id,
        message: messageOf(thrown),
        stack: thrown instanceof Error ? thrown.stack : undefined,
      });
    }
  }
}

function send(response: Response, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(response, transfer);
}
