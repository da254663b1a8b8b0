import { parentPort, workerData } from "node:worker_threads";
import { functionsOf } from "./calls.js";
import { Control, END } from "./control.js";
import type { WorkerThreadData } from "./worker-threads.js";

const { work, memory } = workerData as WorkerThreadData;
const control = new Control(memory);
const functions = functionsOf(work);
parentPort!.postMessage("ready");

for (let at = control.nextTurn(0); at.job !== END; at = control.nextTurn(at.turn)) {
  control.takeCalls(functions, work.jobs[at.job]!);
  control.done();
}
