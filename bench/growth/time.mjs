// One size in a process of its own: prints the seconds of each run and the most memory that the process had.
import { BACKENDS } from "./backends.mjs";
import { noise, openTask } from "./network.mjs";

const { runs, threads, ...size } = JSON.parse(process.argv[2]);
const task = await openTask(await BACKENDS.onnx(threads), size);
const batch = noise(size);
await task.run(batch);
await task.run(batch);
const seconds = [];
for (let i = 0; i < runs; i++) {
  const begin = performance.now();
  await task.run(batch);
  seconds.push((performance.now() - begin) / 1000);
}
await task[Symbol.asyncDispose]();
console.log(JSON.stringify({ seconds, bytes: process.resourceUsage().maxRSS * 1024 }));
