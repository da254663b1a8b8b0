import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readCheckpoint, readSnapshot } from "asl-checkpoint";
import { type EmojiScenes, generateEmojiScenes } from "asl-data";
import { reportData } from "asl-report";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandResult, runTrain } from "./run-command.js";

let folder = "";
let train: EmojiScenes;
let val: EmojiScenes;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-train-"));
  train = await generateEmojiScenes({ out: join(folder, "scenes/train"), split: "train", scenes: 24, imageSize: 32 });
  val = await generateEmojiScenes({ out: join(folder, "scenes/val"), split: "val", scenes: 10, imageSize: 32 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TINY = ["--blocks", "1,1,1,1", "--width", "0.0625", "--image-size", "32", "--batch-size", "8", "--workers", "1"];
const BRIEF = [...TINY, "--epochs", "2", "--lr", "1e-2"];

/** Trains on the scenes of this file into runs/NAME. */
function trainInto(
  name: string,
  more: readonly string[] = [],
  during?: Parameters<typeof runTrain>[2],
): Promise<CommandResult> {
  const data = ["--data", train.pictures, "--annotations", train.annotations];
  const valData = ["--val-data", val.pictures, "--val-annotations", val.annotations];
  return runTrain(folder, [...data, ...valData, ...BRIEF, "--out", `runs/${name}`, ...more], during);
}

const fileOf = (run: string, file: string) => join(folder, "runs", run, file);
const reportOf = (run: string) => reportData(textOf(run, "report.html"));
const textOf = (run: string, file: string) => readFileSync(fileOf(run, file), "utf8");

describe("asl-train", () => {
  it("trains on emoji scenes that it generates, beside the run's folder, and prints a summary", async () => {
    const { code, stdout, stderr } = await runTrain(folder, [
      "--data",
      "emoji",
      "--scenes",
      "16",
      "--val-scenes",
      "8",
      ...BRIEF,
      "--out",
      "runs/emoji",
      "--json",
    ]);
    expect(code, stderr).toBe(0);
    const summary: unknown = JSON.parse(stdout);
    expect(summary).toMatchObject({ interrupted: false, epochs: 2, steps: 4 });
    expect(summary).toEqual(JSON.parse(textOf("emoji", "summary.json")));
    expect(stderr).toMatch(
      /epoch 1\/2 {2}loss [\d.]+ {2}mAP [\d.]+ \(best\) {2}mAP of the EMA [\d.]+ \(best\) {2}[\d.]+ images\/s/,
    );
    expect(existsSync(join(folder, "runs/data/emoji-20-32px-train-16/instances.json"))).toBe(true);
    const { metadata } = await readCheckpoint(fileOf("emoji", "best-ema.safetensors"));
    expect(metadata).toMatchObject({ weights: "ema", imageSize: 32, resizeFilter: "bilinear" });
    expect(metadata!.classNames).toContain("person");
  });

  it("finds annotations in the usual places", async () => {
    const { code, stderr } = await runTrain(folder, [
      "--data",
      "scenes",
      ...BRIEF,
      "--epochs",
      "1",
      "--out",
      "runs/located",
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("24 training pictures, 10 validation pictures, 20 classes, 32 px, batches of 8");
    expect(textOf("located", "metrics.csv").trimEnd().split("\n")).toHaveLength(2);
  });

  it("after Ctrl-C and --resume gives the losses and weights of an uninterrupted run, bit for bit", async () => {
    expect((await trainInto("whole")).code).toBe(0);
    const interrupt = async (child: { kill(signal: NodeJS.Signals): boolean; exitCode: number | null }) => {
      while (!existsSync(fileOf("parts", "last.snapshot"))) {
        if (child.exitCode !== null) throw new Error("the training ended before its first snapshot");
        await setTimeout(2);
      }
      child.kill("SIGINT");
    };
    const stopped = await trainInto("parts", ["--snapshot-every", "1"], interrupt);
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stdout).toBe("");
    expect(stopped.stderr).toMatch(
      /stopping after this step; once more \(Ctrl-C\) to stop at once\n.*stopped after step \d+, which is saved; the same command with --resume goes on/s,
    );
    const steps = textOf("parts", "steps.csv").trimEnd().split("\n").length - 1;
    expect(steps).toBeLessThan(6);
    expect(reportOf("parts").training!.steps).toHaveLength(steps);

    const refused = await trainInto("parts");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/error: runs\/parts: holds an earlier run .* Continue it with --resume/),
    ]);
    const resumed = await trainInto("parts", ["--resume"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain(`going on after step ${steps}`);
    expect(textOf("parts", "steps.csv")).toBe(textOf("whole", "steps.csv"));
    const { training, validation } = reportOf("parts");
    expect(validation).toEqual(reportOf("whole").validation);
    expect(validation!.metrics.images).toBe(10);
    expect(training!.epochs.map(({ mAPEma }) => String(mAPEma))).toEqual(
      textOf("parts", "metrics.csv")
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((row) => row.split(",")[5]),
    );
    const mistakes = [...validation!.falsePositives, ...validation!.falseNegatives];
    expect(mistakes.length).toBeGreaterThan(0);
    for (const { image } of mistakes) expect(image).toMatch(/^data:image\/jpeg;base64,/);
    const [whole, parts] = await Promise.all(
      ["whole", "parts"].map((run) => readSnapshot(fileOf(run, "last.snapshot"))),
    );
    expect(parts!.state).toEqual(whole!.state);
  });

  it("the loss is exact unless --loss-numerics native; --numerics is of the validation", async () => {
    const options = ["--epochs", "1", "--loss-numerics", "native", "--numerics", "exact"];
    const native = await trainInto("native", options);
    expect(native.code, native.stderr).toBe(0);
    const recipeOf = (run: string): unknown => JSON.parse(textOf(run, "recipe.json"));
    expect(recipeOf("whole")).toMatchObject({ recipe: { lossNumerics: "exact" }, evaluationNumerics: "native" });
    expect(recipeOf("native")).toMatchObject({ recipe: { lossNumerics: "native" }, evaluationNumerics: "exact" });
    const firstLoss = (run: string) => Number(textOf(run, "steps.csv").split("\n")[1]!.split(",")[3]);
    expect(Math.abs(firstLoss("native") / firstLoss("whole") - 1)).toBeLessThan(1e-6);
    const resumed = await trainInto("native", ["--epochs", "1", "--resume"]);
    expect(resumed.code).toBe(1);
    expect(resumed.stderr).toContain('recipe.lossNumerics was "native", now "exact"');
  });

  it("fine-tunes from a checkpoint: same classes with its head, other classes with --load-backbone", async () => {
    expect((await trainInto("base", ["--epochs", "1"])).code).toBe(0);
    const base = fileOf("base", "best.safetensors");
    const same = await trainInto("same", ["--epochs", "1", "--weights", base]);
    expect(same.code, same.stderr).toBe(0);
    expect(same.stderr).toContain("best.safetensors: ");

    const emoji80 = [
      "--data",
      "emoji",
      "--emoji-classes",
      "80",
      "--scenes",
      "8",
      "--val-scenes",
      "4",
      ...BRIEF,
      "--epochs",
      "1",
    ];
    const refused = await runTrain(folder, [...emoji80, "--out", "runs/80", "--weights", base]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /does not fit the model.*Only the head differs \(the checkpoint has 20 classes, the model 80\): --load-backbone/,
    );
    const tuned = await runTrain(folder, [...emoji80, "--out", "runs/80", "--weights", base, "--load-backbone"]);
    expect(tuned.code, tuned.stderr).toBe(0);
    expect((await readCheckpoint(fileOf("80", "best.safetensors"))).classNames).toHaveLength(80);
  });

  it("takes size and architecture from the checkpoint of --weights when nothing else is said", async () => {
    const sized = ["--data", "scenes", "--batch-size", "8", "--epochs", "1", "--workers", "1"];
    const { code, stderr } = await runTrain(folder, [
      ...sized,
      "--out",
      "runs/like",
      "--weights",
      fileOf("base", "best.safetensors"),
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("32 px");
  });
});
