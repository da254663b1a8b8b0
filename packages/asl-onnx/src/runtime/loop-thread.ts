import { parentPort, workerData } from "node:worker_threads";
import { CONTROL, END, type LoopThreadData } from "./loop-threads.js";
import { loopsOf } from "./loops.js";

const { module, memory, control, parts } = workerData as LoopThreadData;
const loops = loopsOf(module, memory);
parentPort!.postMessage("ready");

for (let turn = 0; ; ) {
  Atomics.wait(control, CONTROL.turn, turn);
  turn = Atomics.load(control, CONTROL.turn);
  const loop = Atomics.load(control, CONTROL.loop);
  if (loop === END) break;
  for (const part of parts[loop]!) loops[loop]!(...part);
  if (Atomics.sub(control, CONTROL.busy, 1) === 1) Atomics.notify(control, CONTROL.busy);
}
