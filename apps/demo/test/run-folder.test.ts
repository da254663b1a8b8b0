import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { QUICK_RECIPE, RECIPE } from "../src/recipe.js";
import { prepareRunFolder, runFolder, writeRecord } from "../src/run-folder.js";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "asl-demo-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

const leaveRun = async (complete: boolean) => {
  const folder = runFolder(root);
  await mkdir(folder.training);
  await mkdir(folder.scenes.val, { recursive: true });
  await writeFile(folder.page, "old");
  await writeRecord(folder, { recipe: RECIPE, complete, seconds: 12 });
  return folder;
};

describe("prepareRunFolder", () => {
  it("starts a new run in a new folder", async () => {
    const folder = runFolder(path.join(root, "runs", "demo"));
    expect(await prepareRunFolder(folder, RECIPE)).toEqual({ kind: "new" });
    expect(existsSync(folder.root)).toBe(true);
  });

  it("goes on with an interrupted run of the same settings", async () => {
    const folder = await leaveRun(false);
    expect(await prepareRunFolder(folder, RECIPE)).toEqual({ kind: "resumed", seconds: 12 });
    expect(existsSync(folder.training)).toBe(true);
  });

  it("replaces a complete run, but keeps the scenes", async () => {
    const folder = await leaveRun(true);
    expect(await prepareRunFolder(folder, RECIPE)).toEqual({ kind: "again", because: "complete" });
    expect([folder.training, folder.page, folder.scenes.val].map(existsSync)).toEqual([false, false, true]);
  });

  it("replaces a run with other settings", async () => {
    const folder = await leaveRun(false);
    expect(await prepareRunFolder(folder, QUICK_RECIPE)).toEqual({ kind: "again", because: "other settings" });
    expect(existsSync(folder.training)).toBe(false);
  });

  it("touches nothing in a folder that holds other things", async () => {
    const precious = path.join(root, "train");
    await mkdir(precious);
    await expect(prepareRunFolder(runFolder(root), RECIPE)).rejects.toThrow(/no demo\.json.*new or an empty folder/);
    expect(existsSync(precious)).toBe(true);
  });

  it("says which file is damaged", async () => {
    await writeFile(path.join(root, "demo.json"), "{");
    await expect(prepareRunFolder(runFolder(root), RECIPE)).rejects.toThrow(/demo\.json: not the JSON of a demo run/);
  });
});
