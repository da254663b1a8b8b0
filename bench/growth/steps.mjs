// Many steps over pictures from a loader in one process: prints its resident memory, after a collection, as it goes.
import { createLoader, openCoco } from "asl-data";
import { BACKENDS } from "./backends.mjs";
import { openTask } from "./network.mjs";

const SAMPLES = 200;

const { backend, task, steps, threads, scenes, ...shape } = JSON.parse(process.argv[2]);
const loader = createLoader(await openCoco(scenes), {
  ...{ imageSize: shape.imageSize, batchSize: shape.batchSize, workers: 1, lastBatch: "drop" },
  shuffle: { seed: 1 },
  augment: { seed: 1, steps: [{ kind: "horizontalFlip" }] },
});
const opened = await openTask(await BACKENDS[backend](threads), { task, ...shape });
const every = Math.max(1, Math.floor(steps / SAMPLES));
for (let done = 0, epoch = 0; done < steps; epoch++) {
  for await (const batch of loader.epoch(epoch)) {
    await opened.run(batch);
    done += 1;
    if (done % every === 0) {
      // garbage that V8 has not collected yet goes up for 10,000 steps, and down again
      globalThis.gc();
      console.log(JSON.stringify({ step: done, bytes: process.memoryUsage.rss() }));
    }
    if (done === steps) break;
  }
}
await opened[Symbol.asyncDispose]();
await loader[Symbol.asyncDispose]();
// TensorFlow's threads and Dawn's would keep the process
process.exit(0);
