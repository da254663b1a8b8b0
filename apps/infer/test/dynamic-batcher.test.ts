import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DynamicBatcher } from "../src/serve/dynamic-batcher.js";

const later = () => new Promise<void>((resolve) => setImmediate(resolve));

function recording(maxBatch: number, maxDelay: number, fails: (item: number) => boolean = () => false) {
  const batches: (readonly number[])[] = [];
  let running = 0;
  const batcher = new DynamicBatcher<number, number>({
    maxBatch,
    maxDelay,
    async run(items) {
      running += 1;
      expect(running).toBe(1);
      batches.push(items);
      await later();
      running -= 1;
      if (items.some(fails)) throw new Error(`cannot take ${items.find(fails)}`);
      return items.map((item) => item * 2);
    },
  });
  return { batcher, batches };
}

describe("DynamicBatcher", () => {
  it("gives each item its own result, in batches that are never too large, one at a time", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        async (items, maxBatch) => {
          const { batcher, batches } = recording(maxBatch, 0);
          expect(await Promise.all(items.map((item) => batcher.submit(item)))).toEqual(items.map((item) => item * 2));
          expect(batches.flat()).toEqual(items);
          for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(maxBatch);
        },
      ),
      { numRuns: 30 },
    ));

  it("waits for others while nothing runs, and takes all that came during a run", async () => {
    const { batcher, batches } = recording(4, 5);
    await Promise.all([1, 2].map((item) => batcher.submit(item)));
    expect(batches).toEqual([[1, 2]]);
    const first = [3, 4, 5, 6].map((item) => batcher.submit(item));
    const rest = [7, 8, 9].map((item) => batcher.submit(item));
    await Promise.all([...first, ...rest]);
    expect(batches.slice(1)).toEqual([
      [3, 4, 5, 6],
      [7, 8, 9],
    ]);
  });

  it("takes all that reaches the event loop during a run that keeps it", async () => {
    const batches: number[] = [];
    const batcher = new DynamicBatcher<number, number>({
      maxBatch: 8,
      maxDelay: 0,
      async run(items) {
        batches.push(items.length);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
        return items;
      },
    });
    const { port1, port2 } = new MessageChannel();
    const results: Promise<number>[] = [];
    const all = new Promise<void>((resolve) => {
      port2.on("message", (item: number) => {
        results.push(batcher.submit(item));
        if (item === 4) resolve();
      });
    });
    const first = batcher.submit(0);
    const second = batcher.submit(1);
    for (const item of [2, 3, 4]) port1.postMessage(item);
    await Promise.all([first, second, all]);
    expect(await Promise.all(results)).toEqual([2, 3, 4]);
    port1.close();
    expect(batches).toEqual([1, 4]);
  });

  it("lets a bad item fail alone", async () => {
    const { batcher } = recording(8, 1, (item) => item === 2);
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.submit(item)));
    expect(results).toEqual([
      { status: "fulfilled", value: 2 },
      { status: "rejected", reason: new Error("cannot take 2") },
      { status: "fulfilled", value: 6 },
    ]);
  });
});
