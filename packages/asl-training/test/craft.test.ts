import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { readSnapshot } from "asl-checkpoint";
import { adaptGammaNeg, initialize, tresnet } from "asl-core";
import { referenceBackend } from "asl-reference";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RecipeOptions, STEPS_COLUMNS, type TrainingOptions, train } from "../src/index.js";
import { inMemoryLoader } from "./in-memory-loader.js";

const CLASSES = ["cat", "dog", "bird"];
const SHAPE = { imageSize: 20, batchSize: 2 };
const MODEL = { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: CLASSES.length } as const;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-craft-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Ten pictures: five batches. */
function optionsFor(run: string, recipe: RecipeOptions, more: Partial<TrainingOptions> = {}): TrainingOptions {
  return {
    ...SHAPE,
    backend: referenceBackend({ precision: "f32" }),
    model: MODEL,
    training: inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 10, shuffleSeed: 1, lastBatch: "drop" }),
    resizeFilter: "bilinear",
    recipe: { learningRate: 0.01, ...recipe },
    out: join(folder, run),
    ...more,
  };
}

type Step = Readonly<Record<(typeof STEPS_COLUMNS)[number], number>>;

function stepsOf(run: string): Step[] {
  const [, ...rows] = readFileSync(join(folder, run, "steps.csv"), "utf8")
    .trimEnd()
    .split("\n");
  return rows.map(
    (row) => Object.fromEntries(row.split(",").map((cell, i) => [STEPS_COLUMNS[i], Number(cell)])) as Step,
  );
}

const stateOf = async (run: string) => (await readSnapshot(join(folder, run, "last.snapshot"))).state;

describe("a run with frozen layers, accumulation, clipping, layer-wise rates and an adapting loss", () => {
  const recipe: RecipeOptions = {
    epochs: 3,
    freezeEpochs: 1,
    accumulate: 2,
    clipGradientNorm: 0.5,
    layerDecay: 0.7,
    loss: "asl-adaptive",
    adaptiveRate: 0.3,
    classWeights: [0.5, 1, 2],
  };

  it("makes a step of every two batches and leaves out the fifth", async () => {
    const result = await train(optionsFor("run", recipe));
    expect(result.steps).toBe(3 * 2);
    expect(stepsOf("run").map(({ batch }) => batch)).toEqual([2, 4, 2, 4, 2, 4]);
  });

  it("writes the trace of gammaNeg: each from the last one and its balance of probabilities", async () => {
    await train(optionsFor("run", recipe));
    const steps = stepsOf("run");
    expect(steps[0]!.gamma_neg).toBe(4);
    steps.slice(1).forEach(({ gamma_neg }, i) => {
      const { gamma_neg: before, p_plus: pPlus, p_minus: pMinus } = steps[i]!;
      expect(gamma_neg).toBe(adaptGammaNeg(before, { pPlus, pMinus }, { rate: 0.3 }));
      expect(gamma_neg).not.toBe(before);
    });
    expect(steps.every(({ gradient_norm }) => gradient_norm > 0)).toBe(true);
  });

  it("trains the head alone at first, then all", async () => {
    await train(optionsFor("run", { ...recipe, scheduleEpochs: 3, epochs: 1 }));
    const start = initialize(tresnet(MODEL).state, 0);
    const frozen = await stateOf("run");
    for (const [name, { data }] of Object.entries(start)) {
      const same = name.startsWith("head.");
      expect(Buffer.compare(Buffer.from(frozen[name]!.data.buffer), Buffer.from(data.buffer)) === 0, name).toBe(!same);
    }
    await train(optionsFor("run", recipe, { resume: true }));
    const thawed = await stateOf("run");
    expect(thawed["body.conv1.0.weight"]!.data).not.toEqual(start["body.conv1.0.weight"]!.data);
  });

  it.each([1, 2, 3])("stopped after step %i and resumed, ends with the same bits", async (stop) => {
    await train(optionsFor("whole", recipe));
    const controller = new AbortController();
    const stopped = await train(
      optionsFor("parts", recipe, {
        signal: controller.signal,
        onStep: ({ step }) => {
          if (step === stop) controller.abort(new Error("stop"));
        },
      }),
    );
    expect(stopped).toMatchObject({ interrupted: true, steps: stop });
    await train(optionsFor("parts", recipe, { resume: true }));
    expect(stepsOf("parts")).toEqual(stepsOf("whole"));
    expect(await stateOf("parts")).toEqual(await stateOf("whole"));
  });
});

describe("the ladder of losses", () => {
  it("has binary cross-entropy at its foot: focal with gamma 0, asymmetric with gammas 0 and no clip", async () => {
    const first = async (run: string, recipe: Partial<RecipeOptions>) => {
      await train(optionsFor(run, { epochs: 1, ...recipe }));
      return stepsOf(run)[0]!.loss;
    };
    const bce = await first("bce", { loss: "bce" });
    expect(await first("focal-0", { loss: "focal", focalGamma: 0 })).toBe(bce);
    expect(await first("asl-0", { gammaNeg: 0, gammaPos: 0, clip: 0 })).toBe(bce);
    const focal = await first("focal", { loss: "focal" });
    expect(focal).toBeLessThan(bce);
    expect(await first("asl-2", { gammaNeg: 2, gammaPos: 2, clip: 0 })).toBe(focal);
  });
});

describe("patience", () => {
  const validation = inMemoryLoader({ ...SHAPE, classes: CLASSES, pictures: 6, lastBatch: "pad" });

  it("stops when the moving average has not improved for so many epochs, and says so", async () => {
    const recipe = { epochs: 6, learningRate: 1e-12 }; // nothing changes, so nothing improves
    const result = await train(optionsFor("run", recipe, { validation, patience: 2 }));
    expect(result).toMatchObject({ stoppedEarly: true, interrupted: false, epochs: 3 });
    const again = await train(optionsFor("run", recipe, { validation, patience: 2, resume: true }));
    expect(again).toMatchObject({ stoppedEarly: true, epochs: 3 });
    const longer = await train(optionsFor("run", recipe, { validation, patience: 3, resume: true }));
    expect(longer.epochs).toBe(4);
  });

  it("needs validation pictures", async () => {
    await expect(train(optionsFor("run", { epochs: 1 }, { patience: 1 }))).rejects.toThrow("needs validation pictures");
  });
});

describe("the lock of a run's folder", () => {
  const recipe: RecipeOptions = { epochs: 1 };
  const lockOf = (run: string) => join(folder, run, "run.lock");

  it("keeps a second run out while the first one works, and is gone afterwards", async () => {
    let second: Promise<unknown> | undefined;
    await train(
      optionsFor("run", recipe, {
        onStep: () => {
          second ??= train(optionsFor("run", recipe)).catch((error: unknown) => error);
        },
      }),
    );
    expect(String(await second)).toMatch(
      new RegExp(`run: another training run works in this folder \\(process ${process.pid} on ${hostname()}\\)`),
    );
    expect(existsSync(lockOf("run"))).toBe(false);
  });

  it("that a killed process has left behind is taken over; one of another machine is not", async () => {
    await train(optionsFor("run", recipe));
    const holder = { host: hostname(), pid: 2 ** 22 + 1, token: "left behind" }; // above the largest process id
    writeFileSync(lockOf("run"), JSON.stringify(holder));
    await train(optionsFor("run", recipe, { resume: true }));
    expect(existsSync(lockOf("run"))).toBe(false);
    writeFileSync(lockOf("run"), JSON.stringify({ ...holder, host: "elsewhere" }));
    await expect(train(optionsFor("run", recipe, { resume: true }))).rejects.toThrow(
      "(process 4194305 on elsewhere). Wait for it, stop it, or choose another folder; if that process is no training",
    );
  });

  it("taken over by another process stops the run before it writes", async () => {
    const onStep = () => writeFileSync(lockOf("run"), JSON.stringify({ host: "elsewhere", pid: 1, token: "other" }));
    await expect(train(optionsFor("run", recipe, { onStep }))).rejects.toThrow("another training run works");
    expect(existsSync(join(folder, "run", "last.snapshot"))).toBe(false);
  });
});

describe("settings that do not fit are refused", () => {
  it.each<[Partial<RecipeOptions>, string]>([
    [{ accumulate: 6 }, "an epoch has 5 batches, which fill no step of 6; accumulate fewer"],
    [{ classWeights: [1, 2] }, "classWeights must be 3 numbers from 0 on, one for each class; got 2 numbers"],
    [{ classWeights: [1, 2, Number.NaN] }, "got NaN for class 2"],
    [{ unannotated: "selective" }, 'priors must be given for unannotated "selective"'],
    [{ clipGradientNorm: 0 }, "clipGradientNorm must be a number above 0; got 0"],
    [{ layerDecay: 1.1 }, "layerDecay must be above 0, at most 1; got 1.1"],
  ])("%j", async (recipe, message) => {
    await expect(train(optionsFor("none", { epochs: 1, ...recipe }))).rejects.toThrow(message);
  });
});
