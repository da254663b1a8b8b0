import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type EmojiScenes, generateEmojiScenes } from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTrain } from "./run-command.js";
import { asCsv, asFolders, asNusWide, asOpenImages, asVoc } from "./scenes-as.js";
import { TINY_NETWORK } from "./tiny-network.js";

const FREE = resolve(import.meta.dirname, "../../../../shared/data/coco-free");

let folder = "";
let scenes: EmojiScenes;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "asl-train-kinds-"));
  scenes = await generateEmojiScenes({ out: join(folder, "scenes"), split: "train", scenes: 48, imageSize: 32 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TINY = [...TINY_NETWORK, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--json"];

async function trainOn(data: string, ...more: readonly string[]) {
  const out = join(folder, "runs", `run-${Math.random()}`);
  const { code, stdout, stderr } = await runTrain(folder, ["--data", data, ...TINY, "--out", out, ...more]);
  expect(code, stderr).toBe(0);
  const recipe = JSON.parse(readFileSync(join(out, "recipe.json"), "utf8"));
  return { summary: JSON.parse(stdout), stderr, recipe };
}

describe("every kind of dataset is recognised, trained on for one epoch and validated", () => {
  it.each([
    ["voc", asVoc, "36 training pictures, 12 validation pictures"],
    ["csv", asCsv, "36 training pictures, 12 validation pictures"],
    ["open-images", asOpenImages, "36 training pictures, 12 validation pictures"],
    ["nus-wide", asNusWide, "36 training pictures, 12 validation pictures"],
  ] as const)("%s", async (kind, write, counts) => {
    write(scenes, join(folder, kind));
    const { summary, stderr, recipe } = await trainOn(kind);
    expect(recipe.data.kind).toBe(kind);
    expect(stderr).toContain(counts);
    expect(summary).toMatchObject({ epochs: 1, steps: 4 });
    expect(summary.best.ema.mAP).toBeGreaterThan(0);
  });

  it("folders, with the validation pictures' classes among the training pictures'", async () => {
    asFolders(scenes, join(folder, "folders"));
    const { recipe } = await trainOn("folders", "--skip-missing");
    expect(recipe.data.kind).toBe("folders");
  });

  it.skipIf(!existsSync(FREE))(
    "coco: the real pictures of ../shared/data/coco-free (skipped where that is absent)",
    async () => {
      const { summary, stderr } = await trainOn(FREE, "--batch-size", "32");
      expect(stderr).toContain("189 training pictures, 94 validation pictures, 80 classes");
      expect(summary).toMatchObject({ epochs: 1, steps: 5 });
    },
  );
});

describe("--inspect", () => {
  it("prints frequencies, imbalance, pairs, broken and doubled pictures, suggestions; trains nothing", async () => {
    const data = join(folder, "inspected");
    asCsv(scenes, data);
    const name = readFileSync(join(data, "labels.csv"), "utf8").split("\n")[1]!.split(",")[0]!;
    writeFileSync(join(data, name), "no picture");
    const options = ["--data", data, "--inspect", "--html", join(folder, "page.html"), "--out", join(folder, "none")];
    const { code, stdout, stderr } = await runTrain(folder, options);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^36 pictures, \d+ classes\n/);
    expect(stdout).toMatch(/1 of 36 pictures cannot be decoded\n .*not a picture that can be read/);
    expect(stdout).toMatch(/shorter sides 32 to 32 px, median 32/);
    expect(stdout).toMatch(/negatives per positive; the most frequent class has .* Gini coefficient 0\.\d{3}/);
    expect(stdout).toMatch(/together +pictures +lift/);
    expect(stdout).toMatch(/to begin with:\n- gamma-neg \d/);
    expect(readFileSync(join(folder, "page.html"), "utf8")).toContain("<h2>Broken pictures</h2>");
    expect(existsSync(join(folder, "none"))).toBe(false);
    const json = await runTrain(folder, ["--data", data, "--inspect", "--json", "--no-decode"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ pictures: null, labels: { pictures: 36, partial: false } });
  });
});
