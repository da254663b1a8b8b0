import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCheckpoint, readSnapshot } from "asl-checkpoint";
import { type Backend, f32, initialize, NonFiniteError, type Tensors, tresnet } from "asl-core";
import { referenceBackend } from "asl-reference";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EpochReport, RunDirectoryError, readEvents, type TrainingOptions, train } from "../src/index.js";
import { inMemoryLoader } from "./in-memory-loader.js";

const CLASSES = ["cat", "dog", "bird"];
const SHAPE = { imageSize: 20, batchSize: 4 };
const EPOCHS = 2;
const STEPS_PER_EPOCH = 3;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-training-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** 13 training pictures in batches of 4 are three steps; the 13th picture never fills a batch. */
function optionsFor(run: string, more: Partial<TrainingOptions> = {}): TrainingOptions {
  return {
    ...SHAPE,
    backend: referenceBackend({ precision: "f32" }),
    model: { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: CLASSES.length },
    training: inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 13, shuffleSeed: 1, lastBatch: "drop" }),
    validation: inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 6, lastBatch: "pad" }),
    resizeFilter: "bilinear",
    recipe: { epochs: EPOCHS, learningRate: 0.01 },
    out: join(folder, run),
    ...more,
  };
}

const textOf = (run: string, file: string) => readFile(join(folder, run, file), "utf8");
const rowsOf = async (run: string, file: string) =>
  (await textOf(run, file))
    .trimEnd()
    .split("\n")
    .map((row) => row.split(","));

/** The losses as written: equal text is equal bits. */
const lossesOf = async (run: string) => (await rowsOf(run, "steps.csv")).slice(1);

async function expectSameBits(a: string, b: string): Promise<void> {
  const [first, second] = await Promise.all([a, b].map((run) => readSnapshot(join(folder, run, "last.snapshot"))));
  expect(Object.keys(second!.state)).toEqual(Object.keys(first!.state));
  for (const [name, { data }] of Object.entries(first!.state)) {
    const bytes = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    expect(bytes(second!.state[name]!.data).equals(bytes(data)), name).toBe(true);
  }
}

/** An abort signal that fires when `step` steps are done; the next one of the epoch has begun then, and is finished. */
function abortingAfter(step: number): Pick<TrainingOptions, "signal" | "onStep"> {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onStep: (report) => {
      if (report.step === step) controller.abort(new Error("stop"));
    },
  };
}

describe("train", () => {
  it("writes metrics, both best checkpoints, the recipe, the summary and a snapshot", async () => {
    const epochs: EpochReport[] = [];
    const result = await train(optionsFor("run", { onEpoch: (report) => epochs.push(report) }));
    expect((await readdir(join(folder, "run"))).sort()).toEqual([
      "best-ema-predictions.safetensors",
      "best-ema.safetensors",
      "best-predictions.safetensors",
      "best.safetensors",
      "events.out.tfevents.asl",
      "last.snapshot",
      "metrics.csv",
      "recipe.json",
      "steps.csv",
      "summary.json",
    ]);
    expect(result).toMatchObject({ interrupted: false, epochs: EPOCHS, steps: EPOCHS * STEPS_PER_EPOCH });

    const [header, ...rows] = await rowsOf("run", "metrics.csv");
    expect(header!.slice(0, 6)).toEqual(["epoch", "step", "loss", "learning_rate", "mAP", "mAP_EMA"]);
    expect(rows.map(([epoch, step]) => [Number(epoch), Number(step)])).toEqual([
      [1, 3],
      [2, 6],
    ]);
    expect(rows.map((row) => Number(row[4]))).toEqual(epochs.map(({ regular }) => regular!.mAP));
    expect(await lossesOf("run")).toHaveLength(EPOCHS * STEPS_PER_EPOCH);
    expect(JSON.parse(await textOf("run", "recipe.json"))).toMatchObject({
      recipe: { gammaNeg: 4, gammaPos: 0 },
      classNames: CLASSES,
    });

    const events = readEvents(await readFile(join(folder, "run/events.out.tfevents.asl")));
    const series = (tag: string) => events.map(({ scalars }) => scalars[tag]).filter((value) => value !== undefined);
    expect(series("train/loss")).toEqual((await lossesOf("run")).map((row) => Math.fround(Number(row[3]))));
    expect(series("validation/mAP")).toEqual(epochs.map(({ regular }) => Math.fround(regular!.mAP)));
    expect(series("balance/p_plus")).toHaveLength(EPOCHS * STEPS_PER_EPOCH);
    for (const [index, value] of series("balance/p_minus").entries()) {
      expect(value).toBe(Math.fround(Number((await lossesOf("run"))[index]![8])));
    }

    for (const [file, weights] of [
      ["best.safetensors", "regular"],
      ["best-ema.safetensors", "ema"],
    ] as const) {
      const { metadata, classNames, architecture } = await readCheckpoint(join(folder, "run", file));
      const best = result.best[weights]!;
      expect(classNames).toEqual(CLASSES);
      expect(architecture).toMatchObject({ blocks: [1, 1, 1, 1], planes: 2, numClasses: 3 });
      expect(metadata).toMatchObject({ weights, imageSize: 20, resizeFilter: "bilinear", epoch: best.epoch });
      expect(metadata!.metrics.mAP).toBe(best.mAP);
      expect(best.mAP).toBe(Math.max(...epochs.map((epoch) => epoch[weights]!.mAP)));
    }
  });

  it.each([
    { abortedAfter: 1, stop: 2 },
    { abortedAfter: 3, stop: 3 },
    { abortedAfter: 4, stop: 5 },
    { abortedAfter: 5, stop: 6 },
  ])(
    "stopped after step $abortedAfter and resumed, gives the same losses and weights bit for bit",
    async ({ abortedAfter, stop }) => {
      await train(optionsFor("whole"));
      const stopped = await train(optionsFor("parts", abortingAfter(abortedAfter)));
      expect(stopped).toMatchObject({ interrupted: true, steps: stop });
      expect(await lossesOf("parts")).toHaveLength(stop);
      let resumedAt: unknown;
      const resumed = await train(
        optionsFor("parts", {
          resume: true,
          onResume: (from) => {
            resumedAt = from;
          },
        }),
      );
      expect(resumedAt).toMatchObject({ step: stop });
      expect(resumed.interrupted).toBe(false);
      expect(await lossesOf("parts")).toEqual(await lossesOf("whole"));
      await expectSameBits("whole", "parts");
      const scores = async (run: string) => (await rowsOf(run, "metrics.csv")).map((row) => row.slice(0, 8));
      expect(await scores("parts")).toEqual(await scores("whole"));
    },
  );

  it("goes on from the last snapshot after a crash: later rows of the logs are done again", async () => {
    await train(optionsFor("whole"));
    const crash = new Error("power cut");
    const crashing = optionsFor("parts", {
      snapshotEverySteps: 2,
      onStep: ({ step }) => {
        if (step === 6) throw crash;
      },
    });
    await expect(train(crashing)).rejects.toBe(crash);
    const { progress } = await readSnapshot(join(folder, "parts", "last.snapshot"));
    expect(progress).toMatchObject({ step: 5, epoch: 1, nextBatch: 2 });
    await train(optionsFor("parts", { resume: true }));
    expect(await lossesOf("parts")).toEqual(await lossesOf("whole"));
    await expectSameBits("whole", "parts");
  });

  it("resumed when all is done, changes nothing and reports the same", async () => {
    const first = await train(optionsFor("run"));
    const before = await stat(join(folder, "run", "best.safetensors"));
    const again = await train(optionsFor("run", { resume: true }));
    expect(again.best).toEqual(first.best);
    expect(again.steps).toBe(first.steps);
    expect((await stat(join(folder, "run", "best.safetensors"))).mtimeMs).toBe(before.mtimeMs);
  });

  it("refuses a folder that is a file", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(train(optionsFor("file"))).rejects.toThrow(/file: cannot be used .*: a file stands in its place/);
  });

  it("refuses a folder with an earlier run unless it resumes, and other settings when it does", async () => {
    await train(optionsFor("run", abortingAfter(1)));
    await expect(train(optionsFor("run"))).rejects.toThrow(/holds an earlier run .*--resume/);
    const other = optionsFor("run", { resume: true, recipe: { epochs: EPOCHS, learningRate: 0.02 } });
    await expect(train(other)).rejects.toThrow(RunDirectoryError);
    await expect(train(other)).rejects.toThrow(/recipe\.learningRate was 0\.01, now 0\.02/);
  });

  it("does not replace the weights of a run whose snapshot was removed, unless it is told to", async () => {
    const one = { recipe: { epochs: 1, learningRate: 0.01 } };
    await train(optionsFor("run", one));
    await rm(join(folder, "run", "last.snapshot"));
    await expect(train(optionsFor("run", one))).rejects.toThrow(
      /holds the weights of an earlier run \(best\.safetensors\)/,
    );
    expect(await train(optionsFor("run", { ...one, resume: true }))).toMatchObject({ epochs: 1 });
  });

  it("goes on for more epochs of the same schedule, as if it had never stopped", async () => {
    await train(optionsFor("whole"));
    const first = await train(
      optionsFor("parts", { recipe: { epochs: 1, scheduleEpochs: EPOCHS, learningRate: 0.01 } }),
    );
    expect(first).toMatchObject({ interrupted: false, epochs: 1 });
    await train(optionsFor("parts", { resume: true }));
    expect(await lossesOf("parts")).toEqual(await lossesOf("whole"));
    await expectSameBits("whole", "parts");
  });

  it("starts from given weights; their average starts there too", async () => {
    const weights: Tensors = { "head.fc.bias": f32([3], [1, 2, 3]) };
    await train(optionsFor("run", { weights, recipe: { epochs: 1, learningRate: 1e-30 } }));
    const { state } = await readSnapshot(join(folder, "run", "last.snapshot"));
    expect([...state["head.fc.bias"]!.data]).toEqual([1, 2, 3]);
    expect([...state["ema.head.fc.bias"]!.data].map((value) => Math.fround(value))).toEqual([1, 2, 3]);
  });

  it("learns nothing of a class that nobody looked for, unless told to take it for not there", async () => {
    const training = inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 8, lastBatch: "drop", unannotated: 1 });
    const { validation: _, ...rest } = optionsFor("ignored", { training });
    const rowsOf = async (run: string, unannotated: "ignore" | "negative") => {
      const recipe = { ...rest.recipe, weightDecay: 0, epochs: 1, unannotated };
      await train({ ...rest, recipe, out: join(folder, run) });
      const { tensors } = await readCheckpoint(join(folder, run, "best.safetensors"));
      const { data, type } = tensors["head.fc.weight"]!;
      return CLASSES.map((__, row) => [...data.slice(row * type.shape[1]!, (row + 1) * type.shape[1]!)]);
    };
    const start = initialize({ ...tresnet(rest.model).state }, 0)["head.fc.weight"]!;
    const untouched = [...start.data.slice(start.type.shape[1]!, 2 * start.type.shape[1]!)];
    const ignored = await rowsOf("ignored", "ignore");
    const negative = await rowsOf("negative", "negative");
    expect(ignored[1]).toEqual(untouched);
    expect(negative[1]).not.toEqual(untouched);
    expect(ignored[0]).not.toEqual([...start.data.slice(0, start.type.shape[1]!)]);
  });

  it("says step, picture and class of a logit that is not finite, writes no state and keeps the snapshot", async () => {
    await train(optionsFor("run", abortingAfter(2)));
    const error: unknown = await train(optionsFor("run", { resume: true, backend: breakingAt(1) })).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(String(error)).toMatch(
      /training step 4 \(epoch 2, batch 1\): logits is NaN for picture "picture \d+", class "bird"; .*weights before this step are kept/,
    );
    expect((await readSnapshot(join(folder, "run", "last.snapshot"))).progress).toMatchObject({ epoch: 1, step: 3 });
    await train(optionsFor("whole"));
    await train(optionsFor("run", { resume: true }));
    await expectSameBits("whole", "run");
  });

  it("refuses recipes and data that do not fit before it makes the folder", async () => {
    const cases: readonly [Partial<TrainingOptions>, RegExp][] = [
      [{ recipe: { epochs: 0 } }, /recipe: epochs must be a whole number from 1 on; got 0/],
      [{ recipe: { epochs: 1, learningRate: Number.NaN } }, /learningRate must be a number above 0; got NaN/],
      [{ imageSize: 18 }, /image size must be a multiple of 4/],
      [
        { training: inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 3, lastBatch: "drop" }) },
        /3 pictures do not fill one batch/,
      ],
      [
        { validation: inMemoryLoader({ ...SHAPE, classes: ["dog", "cat", "bird"], pictures: 4, lastBatch: "pad" }) },
        /same order.*"cat" and "dog"/,
      ],
      [
        { training: inMemoryLoader({ ...SHAPE, classes: ["cat"], pictures: 8, lastBatch: "drop" }) },
        /1 classes, the model 3/,
      ],
    ];
    for (const [change, message] of cases) await expect(train(optionsFor("none", change))).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual([]);
  });
});

/** A backend whose nth training run finds NaN in row 1, class 2. */
function breakingAt(run: number): Backend {
  const inner = referenceBackend({ precision: "f32" });
  let runs = 0;
  return {
    name: inner.name,
    async compile(state, programs) {
      const session = await inner.compile(state, programs);
      const guarded: typeof session.run = async (program, feeds) => {
        if (program === "train" && ++runs === run) throw new NonFiniteError("logits", [1, 2], Number.NaN, [4, 3]);
        return await session.run(program, feeds);
      };
      return {
        run: guarded,
        read: (names) => session.read(names),
        write: (tensors) => session.write(tensors),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}
