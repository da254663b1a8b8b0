import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readSnapshot } from "asl-checkpoint";
import { generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sweepAxes } from "../src/sweep-axes.js";
import { runTrain } from "./run-command.js";
import { TINY_NETWORK } from "./tiny-network.js";

const folder = mkdtempSync(join(tmpdir(), "asl-train-craft-"));
beforeAll(() => generateEmojiScenes({ out: join(folder, "scenes"), split: "train", scenes: 16, imageSize: 32 }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SCENES = ["--data", "scenes/pictures", "--annotations", "scenes/instances.json"];
const VALIDATION = ["--val-data", "scenes/pictures", "--val-annotations", "scenes/instances.json"];
const TINY = [...TINY_NETWORK, "--image-size", "32", "--batch-size", "4"];

const train = (out: string, ...args: readonly string[]) =>
  runTrain(folder, [...SCENES, ...TINY, "--out", `runs/${out}`, ...args]);
const fileOf = (run: string, file: string) => join(folder, "runs", run, file);
const recipeOf = (run: string): unknown => JSON.parse(readFileSync(fileOf(run, "recipe.json"), "utf8"));
const stateOf = async (run: string) => (await readSnapshot(fileOf(run, "last.snapshot"))).state;

describe("asl-train", () => {
  const ALL = [
    ...["--epochs", "2", "--loss", "asl-adaptive", "--accumulate", "2", "--clip-gradients", "1"],
    ...["--freeze-epochs", "1", "--layer-decay", "0.8", "--class-weights", "0.99", "--snapshot-every", "1"],
  ];

  it("makes steps as asked for, and records how", async () => {
    const { code, stderr } = await train("all", ...ALL);
    expect(code, stderr).toBe(0);
    expect(recipeOf("all")).toMatchObject({
      recipe: {
        loss: "asl-adaptive",
        accumulate: 2,
        clipGradientNorm: 1,
        freezeEpochs: 1,
        layerDecay: 0.8,
        classWeights: expect.objectContaining({ length: 20 }),
      },
    });
    const rows = readFileSync(fileOf("all", "steps.csv"), "utf8").trimEnd().split("\n");
    expect(rows[0]).toBe("step,epoch,batch,loss,learning_rate,gradient_norm,gamma_neg,p_plus,p_minus");
    expect(rows).toHaveLength(1 + 2 * 2);
    const other = await train("all", ...ALL, "--layer-decay", "0.9", "--resume");
    expect(other.stderr).toContain("recipe.layerDecay was 0.8, now 0.9");
    const larger = await train("all", ...ALL, "--model", "tresnet_l", "--blocks", "1,1,2,1", "--resume");
    expect([larger.code, larger.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^error: runs\/all\/last\.snapshot: the run cannot go on with other settings.*model\.blocks was \[1,1,1,1\], now \[1,1,2,1\]/m,
      ),
    ]);
  });

  it("killed (SIGKILL) at any moment and resumed, ends with the bits of an uninterrupted run", async () => {
    for (const delay of [0, 40]) {
      const run = `killed-${delay}`;
      const killed = await runTrain(folder, [...SCENES, ...TINY, "--out", `runs/${run}`, ...ALL], async (child) => {
        while (!existsSync(fileOf(run, "recipe.json")) && child.exitCode === null) await setTimeout(2);
        await setTimeout(delay);
        child.kill("SIGKILL");
      });
      expect(killed.code).not.toBe(1);
      const resumed = await train(run, ...ALL, "--resume");
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(await stateOf(run)).toEqual(await stateOf("all"));
      expect(readFileSync(fileOf(run, "steps.csv"), "utf8")).toBe(readFileSync(fileOf("all", "steps.csv"), "utf8"));
    }
  });

  it("a second run in the same folder is refused while the first one works", async () => {
    let second: Awaited<ReturnType<typeof train>> | undefined;
    const first = await runTrain(
      folder,
      [...SCENES, ...TINY, "--epochs", "400", "--out", "runs/locked"],
      async (child) => {
        while (!existsSync(fileOf("locked", "recipe.json")) && child.exitCode === null) await setTimeout(5);
        second = await train("locked", "--epochs", "400", "--resume");
        child.kill("SIGINT");
      },
    );
    expect(first.code, first.stderr).toBe(130);
    expect([second?.code, second?.stderr]).toEqual([
      1,
      expect.stringMatching(/error: runs\/locked: another training run works in this folder \(process \d+ on /),
    ]);
    expect(existsSync(fileOf("locked", "run.lock"))).toBe(false);
  });

  it("--sweep ends in a table of all pairs, or its JSON", async () => {
    const args = [...VALIDATION, "--epochs", "1", "--sweep", "gamma-neg=2,4;clip=0,0.05"];
    const { code, stdout, stderr } = await train("sweep", ...args);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /gamma-neg +clip +mAP +mAP of the EMA +epochs\n +2 +0 .*\n +2 +0\.05 .*\n +4 +0 .*\n +4 +0\.05 /,
    );
    expect(recipeOf("sweep/gamma-neg-2-clip-0.05")).toMatchObject({ recipe: { gammaNeg: 2, clip: 0.05 } });
    const again = await train("sweep", ...args, "--resume", "--json");
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      rows: [2, 4].flatMap((gammaNeg) => [0, 0.05].map((clip) => ({ gammaNeg, clip, epochs: 1, steps: 4 }))),
    });
  });

  it("--unannotated selective takes the priors from a model's scores", async () => {
    const missing = await train("selective", "--epochs", "1", "--unannotated", "selective");
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("needs --prior-model FILE")]);
    const model = fileOf("all", "best-ema.safetensors");
    const args = ["--epochs", "1", "--unannotated", "selective", "--prior-model", model];
    const { code, stderr } = await train("selective", ...args);
    expect(code, stderr).toBe(0);
    const { priors } = (recipeOf("selective") as { recipe: { priors: number[] } }).recipe;
    expect(priors).toHaveLength(20);
    for (const prior of priors) expect(prior > 0 && prior < 1).toBe(true);
  });
});

describe("--sweep", () => {
  it.each([
    ["gamma-neg=2,4;clip=0,0.05", { gammaNeg: [2, 4], clip: [0, 0.05] }],
    ["clip=0.1", { clip: [0.1] }],
  ])("%s", (text, expected) => expect(sweepAxes(text)).toEqual(expected));

  it.each(["gamma=2", "clip=1", "clip=", "clip=0;clip=0.1", "gamma-neg=2=3", ""])('refuses "%s"', (text) => {
    expect(() => sweepAxes(text)).toThrow('Expected values of gamma-neg, clip or both, such as "gamma-neg=2,4');
  });
});
