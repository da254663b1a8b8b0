import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { augmentationOf } from "../src/augmentation.js";
import { trainCommand } from "../src/command.js";
import { runTrain } from "./run-command.js";
import { TINY_NETWORK } from "./tiny-network.js";

const folder = mkdtempSync(join(tmpdir(), "asl-train-augmentation-"));
beforeAll(() => generateEmojiScenes({ out: join(folder, "scenes"), split: "train", scenes: 9, imageSize: 32 }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SCENES = ["--data", "scenes/pictures", "--annotations", "scenes/instances.json", "--image-size", "32"];
const TINY = [...TINY_NETWORK, "--batch-size", "4", "--epochs", "1"];

describe("--augment and what belongs to it", () => {
  const augmentOf = (...args: readonly string[]) => {
    const command = trainCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    return augmentationOf(command.parse(["--data", "x", "--seed", "5", ...args], { from: "user" }).opts());
  };
  const flip = { kind: "horizontalFlip" };
  const cutout = { kind: "cutout", fraction: 0.5 };
  const randAugment = { kind: "randAugment", operations: 2, magnitude: 9 };

  it.each([
    [[], { seed: 5, steps: [flip, cutout] }],
    [["--augment", "none"], false],
    [["--no-augment"], false],
    [["--augment", "none", "--mixup", "0.2"], { seed: 5, steps: [], mixing: { kind: "mixUp", alpha: 0.2 } }],
    [["--augment", "rand-augment,flip"], { seed: 5, steps: [randAugment, flip] }],
    [["--rand-augment", "3,15"], { seed: 5, steps: [flip, cutout, { ...randAugment, operations: 3, magnitude: 15 }] }],
    [["--no-flip", "--cutout", "0.25"], { seed: 5, steps: [{ ...cutout, fraction: 0.25 }] }],
    [
      ["--no-flip", "--cutout", "0", "--cutmix", "1", "--cutmix-targets", "mixed"],
      { seed: 5, steps: [], mixing: { kind: "cutMix", alpha: 1, targets: "mixed" } },
    ],
  ])("%j", (args, expected) => {
    expect(augmentOf(...args)).toEqual(expected);
  });

  it.each([
    [
      ["--augment", "flip,mosaic"],
      /Expected none, or some of flip, cutout, rand-augment with commas; got "flip,mosaic"/,
    ],
    [["--rand-augment", "2"], /Expected N,M: .* got "2"/],
    [["--rand-augment", "2,31"], /magnitude M from 0 to 30; got "2,31"/],
    [["--mixup", "0.2", "--cutmix", "1"], /--mixup and --cutmix exclude each other/],
    [["--cutmix-targets", "mixed"], /--cutmix-targets needs --cutmix/],
  ])("%j is refused", (args, message) => {
    expect(() => augmentOf(...args)).toThrow(message);
  });
});

describe("asl-train", () => {
  it("--preview-augment writes a page of its own and trains nothing", async () => {
    const args = [...SCENES, "--augment", "flip,rand-augment", "--mixup", "1", "--out", "runs/none"];
    const { code, stdout, stderr } = await runTrain(folder, [...args, "--preview-augment", "preview.html"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("preview.html: 8 pictures, as they are and in 7 epochs");
    const page = readFileSync(join(folder, "preview.html"), "utf8");
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(8 * 8);
    expect(new Set(page.match(/base64,[^"]+/g)).size).toBeGreaterThan(8 * 6);
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(existsSync(join(folder, "runs/none"))).toBe(false);
  });

  it("trains with RandAugment and MixUp, and goes on with the same augmentation only", async () => {
    const args = [...SCENES, ...TINY, "--rand-augment", "1,20", "--mixup", "0.4", "--out", "runs/mixed"];
    const first = await runTrain(folder, args);
    expect(first.code, first.stderr).toBe(0);
    const recipe: unknown = JSON.parse(readFileSync(join(folder, "runs/mixed/recipe.json"), "utf8"));
    expect(recipe).toMatchObject({
      recipe: { softTargets: true },
      data: { augmentation: { steps: [{}, {}, { operations: 1, magnitude: 20 }], mixing: { kind: "mixUp" } } },
    });
    const other = await runTrain(folder, [...args, "--rand-augment", "1,21", "--resume"]);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("data.augmentation.steps was");
  });
});
