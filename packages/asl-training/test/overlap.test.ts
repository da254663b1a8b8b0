import { f32, type Session } from "asl-core";
import { expect, it } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { inMemoryLoader } from "./in-memory-loader.js";

/** Computes one run after the other, a moment each, and tells when it is asked and when it answers. */
function slowSession(events: string[]): Session<"evaluate"> {
  let runs = 0;
  let last: Promise<unknown> = Promise.resolve();
  const compute = async (run: number) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    events.push(`result ${run}`);
    return { logits: f32([2, 2], [0, 0, 0, 0]) };
  };
  return {
    run() {
      const run = ++runs;
      events.push(`run ${run}`);
      const result = last.then(() => compute(run));
      last = result;
      return result;
    },
    read: async () => ({}),
    write: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const loader = inMemoryLoader({ classes: ["a", "b"], pictures: 6, imageSize: 8, batchSize: 2, lastBatch: "pad" });

it("the next batch is decoded and handed over while the backend computes", async () => {
  const events: string[] = [];
  const session = slowSession(events);
  const batches: typeof loader = {
    ...loader,
    async *epoch(epoch) {
      for await (const batch of loader.epoch(epoch)) {
        events.push(`batch ${batch.number + 1}`);
        yield batch;
      }
    },
  };
  const { evaluate: predictions } = await evaluate(session, ["evaluate"], batches);
  expect(predictions.pictures).toHaveLength(6);
  const at = (event: string) => events.indexOf(event);
  for (const number of [1, 2]) {
    expect(at(`batch ${number + 1}`)).toBeLessThan(at(`result ${number}`));
    expect(at(`run ${number + 1}`)).toBeLessThan(at(`result ${number}`));
  }
  expect(events.filter((event) => event.startsWith("result"))).toEqual(["result 1", "result 2", "result 3"]);
});

it("what was started ends before an abort is reported", async () => {
  const events: string[] = [];
  const stop = new AbortController();
  const evaluated = evaluate(slowSession(events), ["evaluate"], loader, {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error("enough")),
  });
  await expect(evaluated).rejects.toThrow("enough");
  const counted = (kind: string) => events.filter((event) => event.startsWith(kind)).length;
  expect(counted("result")).toBe(counted("run"));
});
