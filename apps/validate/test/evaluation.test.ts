import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectTresnet, readCheckpoint, writeCheckpoint } from "asl-checkpoint";
import { createRandom, initialize, tresnet } from "asl-core";
import { type EmojiScenes, emojiClassNames, generateEmojiScenes } from "asl-data";
import { loadPredictions, RUN_FILES, savePredictions } from "asl-training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runValidate } from "./run-command.js";

const CLASSES = emojiClassNames(20);
let folder = "";
let scenes: EmojiScenes;
const data = () => ["--data", scenes.pictures, "--annotations", scenes.annotations, "--workers", "0"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-evaluation-"));
  scenes = await generateEmojiScenes({ out: join(folder, "scenes"), split: "val", scenes: 12, imageSize: 32 });
  const tensors = initialize(tresnet({ blocks: [1, 1, 1, 1], planes: 4, basicStages: 2, classes: 20 }).state, 0);
  const model = { ...inspectTresnet(tensors), numClasses: 20 };
  const about = { recipe: {}, step: 7, epoch: 1, metrics: {}, weights: "regular", imageSize: 32 } as const;
  await writeCheckpoint(join(folder, "model.safetensors"), {
    tensors,
    metadata: { ...about, model, classNames: CLASSES, thresholds: 0.3, resizeFilter: "bilinear" },
  });
  const labels = createRandom(1, "labels");
  const targets = Float32Array.from({ length: 300 * 3 }, () => Number(labels.chance(0.3)));
  const predictions = (skill: number, seed: number) => {
    const random = createRandom(seed, "scores");
    const scores = targets.map((target) => skill * target + (1 - skill) * random.uniform());
    const pictures = Array.from({ length: 300 }, (_, row) => `${row}.jpg`);
    return { classNames: ["cat", "dog", "bus"], pictures, targets, scores };
  };
  await savePredictions(join(folder, "weak.safetensors"), predictions(0.1, 1));
  await savePredictions(join(folder, "strong.safetensors"), predictions(0.4, 2));
  mkdirSync(join(folder, "run"));
  cpSync(join(folder, "weak.safetensors"), join(folder, "run", RUN_FILES.predictions));
  cpSync(join(folder, "strong.safetensors"), join(folder, "run", RUN_FILES.predictionsEma));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function json(args: readonly string[]) {
  const { code, stdout, stderr } = await runValidate(folder, [...args, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe("asl-validate --bootstrap", () => {
  it("adds an interval that holds mAP", async () => {
    const { mAP, mAPInterval } = await json(["--predictions", "strong.safetensors", "--bootstrap", "200"]);
    expect(mAPInterval).toMatchObject({ confidence: 0.95, resamples: 200, seed: 0 });
    expect(mAPInterval.low).toBeLessThan(mAP);
    expect(mAPInterval.high).toBeGreaterThan(mAP);
  });
});

describe("asl-validate --compare", () => {
  it("says which of two files is better, in numbers and words", async () => {
    const args = ["--compare", "weak.safetensors", "strong.safetensors", "--bootstrap", "200"];
    const comparison = await json(args);
    expect(comparison).toMatchObject({ significant: true, images: 300, files: args.slice(1, 3) });
    expect(comparison.difference).toBeCloseTo(comparison.b - comparison.a, 9);
    expect(comparison.classes.map(({ name }: { name: string }) => name)).toEqual(["cat", "dog", "bus"]);
    const { stdout } = await runValidate(folder, args);
    expect(stdout).toMatch(/^B is better than A: significant at the 5 % level/m);
  });

  it("takes the better weights of a run's folder", async () => {
    const comparison = await json(["--compare", "run", "strong.safetensors", "--bootstrap", "50"]);
    expect(comparison).toMatchObject({ difference: 0, significant: false });
  });

  it("refuses what cannot be compared", async () => {
    const refuse = async (args: readonly string[], code: number, message: RegExp) => {
      const result = await runValidate(folder, args);
      expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(message)]);
    };
    await refuse(["--compare", "run"], 2, /takes two files of predictions or folders of runs; got 1/);
    await refuse(["--compare", "run", "scenes"], 2, /scenes: holds no best-predictions\.safetensors/);
    await refuse(["--compare", "run", "nowhere"], 2, /there is nothing at nowhere/);
    await refuse(["--predictions", "weak.safetensors", "--calibrate", "precision=2"], 2, /Expected f1, or precision=P/);
    await refuse(["--predictions", "weak.safetensors", "--save-model", "x"], 2, /--save-model goes with --calibrate/);
    await refuse(
      ["--predictions", "weak.safetensors", "--memory", "1GiB", "--bootstrap"],
      2,
      /--bootstrap needs all scores at once: it goes without --memory/,
    );
    await refuse(
      ["--predictions", "weak.safetensors", "--memory", "1GiB", "--report", "x.html"],
      2,
      /--report needs all scores/,
    );
    await refuse(
      ["--predictions", "weak.safetensors", "--split", "val"],
      2,
      /--split: --predictions are measured as they are/,
    );
    await refuse(
      [...data(), "--model", "model.safetensors", "--scores-key", "x"],
      2,
      /--scores-key: .* add --predictions FILE/,
    );
    await refuse(
      [...data(), "--model", "model.safetensors", "--calibrate", "f1", "--classes-shared"],
      2,
      /it goes without --classes-shared/,
    );
  });
});

describe("asl-validate --calibrate", () => {
  it("stores thresholds in the checkpoint, whose weights stay as they are", async () => {
    cpSync(join(folder, "model.safetensors"), join(folder, "own.safetensors"));
    const before = await json([...data(), "--model", "own.safetensors"]);
    const args = [...data(), "--model", "own.safetensors", "--calibrate", "f1", "--threshold", "0.6"];
    const report = await json([...args, "--save-predictions", "own-predictions.safetensors"]);
    expect(report.CF1).toBeGreaterThanOrEqual(before.CF1);
    const { metadata, tensors } = await readCheckpoint(join(folder, "own.safetensors"));
    const [original, own] = [await readCheckpoint(join(folder, "model.safetensors")), metadata!];
    expect(tensors).toEqual(original.tensors);
    expect(own).toMatchObject({ step: 7, calibration: "the highest F1 on 12 pictures", thresholds: report.threshold });
    expect((await loadPredictions(join(folder, "own-predictions.safetensors"))).thresholds).toEqual(own.thresholds);
    for (const [index, name] of CLASSES.entries()) {
      const { threshold, positives, outcome } = report.calibration.classes[name];
      expect(threshold).toBe(report.threshold[index]);
      if (positives === 0) expect([threshold, outcome]).toEqual([0.6, "noPositives"]);
    }
    // and they hold from now on
    const after = await json([...data(), "--model", "own.safetensors"]);
    expect(after.threshold).toEqual(report.threshold);
  });

  it("writes another file where one is named", async () => {
    const before = readFileSync(join(folder, "model.safetensors"));
    await json([
      ...data(),
      "--model",
      "model.safetensors",
      "--calibrate",
      "precision=0.5",
      "--save-model",
      "new.safetensors",
    ]);
    expect(readFileSync(join(folder, "model.safetensors")).equals(before)).toBe(true);
    expect((await readCheckpoint(join(folder, "new.safetensors"))).metadata).toMatchObject({
      calibration: "a precision of 0.5 on 12 pictures",
    });
  });
});
