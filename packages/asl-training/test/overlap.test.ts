import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backend, f32, type Session } from "asl-core";
import { referenceBackend } from "asl-reference";
import { expect, it, onTestFinished } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { type RecipeOptions, train } from "../src/index.js";
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

it("when one of several programs fails, the others have ended before it is reported", async () => {
  const ended: string[] = [];
  const session: Session<"regular" | "ema"> = {
    async run(program) {
      await new Promise((resolve) => setTimeout(resolve, program === "regular" ? 1 : 40));
      ended.push(program);
      if (program === "regular") throw new Error("out of memory");
      return { logits: f32([2, 2], [0, 0, 0, 0]) };
    },
    read: async () => ({}),
    write: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  await expect(evaluate(session, ["regular", "ema"], loader)).rejects.toThrow("out of memory");
  expect(ended.filter((program) => program === "ema")).toHaveLength(
    ended.filter((program) => program === "regular").length,
  );
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

/** Computes one run after the other, and tells when a run is asked for, "+1", and when it has answered, "-1". */
function telling(events: string[]): Backend {
  const inner = referenceBackend({ precision: "f32" });
  return {
    name: inner.name,
    async compile(state, programs) {
      const session = await inner.compile(state, programs);
      let runs = 0;
      let last: Promise<unknown> = Promise.resolve();
      return {
        run(program, feeds) {
          const run = ++runs;
          events.push(`+${run}`);
          const answer = last.then(async () => {
            const outputs = await session.run(program, feeds);
            await new Promise((resolve) => setTimeout(resolve, 50));
            events.push(`-${run}`);
            return outputs;
          });
          last = answer;
          return answer;
        },
        read: (names) => session.read(names),
        write: (tensors) => session.write(tensors),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

/** Runs asked for and answered in an epoch of four batches. */
async function eventsOf(recipe: Partial<RecipeOptions>, snapshotEverySteps = 100): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "asl-overlap-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const events: string[] = [];
  const shape = { imageSize: 20, batchSize: 2 };
  await train({
    ...shape,
    backend: telling(events),
    model: { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: 2 },
    training: inMemoryLoader({ ...shape, classes: ["a", "b"], pictures: 8, shuffleSeed: 1, lastBatch: "drop" }),
    resizeFilter: "bilinear",
    recipe: { epochs: 1, learningRate: 0.01, ...recipe },
    out: join(folder, "run"),
    snapshotEverySteps,
  });
  return events.join(" ");
}

it("a training step begins while the one before is computed, and no third one", async () => {
  expect(await eventsOf({})).toBe("+1 +2 -1 +3 -2 +4 -3 -4");
});

it("so do the batches of a step", async () => {
  expect(await eventsOf({ accumulate: 2 })).toBe("+1 +2 -1 +3 -2 +4 -3 -4");
});

it("before a snapshot, all that has begun is finished", async () => {
  expect(await eventsOf({}, 2)).toBe("+1 +2 -1 -2 +3 +4 -3 -4");
});

it("gamma- that adapts to a step's probabilities waits for them", async () => {
  expect(await eventsOf({ loss: "asl-adaptive" })).toBe("+1 -1 +2 -2 +3 -3 +4 -4");
});
