import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { writeFileAtomically } from "asl-cli";
import { DatasetError } from "asl-data";
import type { DemoRecipe } from "./recipe.js";

/** Where everything of one demo run lies. */
export interface RunFolder {
  readonly root: string;
  readonly scenes: { readonly train: string; readonly val: string; readonly heldOut: string };
  readonly training: string;
  readonly tagged: string;
  readonly onnx: string;
  readonly summary: string;
  readonly page: string;
}

export function runFolder(root: string): RunFolder {
  const scenes = path.join(root, "scenes");
  return {
    root,
    scenes: {
      train: path.join(scenes, "train"),
      val: path.join(scenes, "val"),
      heldOut: path.join(scenes, "held-out"),
    },
    training: path.join(root, "train"),
    tagged: path.join(root, "tagged"),
    onnx: path.join(root, "model.onnx"),
    summary: path.join(root, "summary.json"),
    page: path.join(root, "index.html"),
  };
}

/** `demo.json`: which run the folder holds, and how far it came. */
export interface RunRecord {
  readonly recipe: DemoRecipe;
  readonly complete: boolean;
  /** Time spent so far, over all attempts. */
  readonly seconds: number;
}

export type RunStart =
  | { readonly kind: "new" }
  | { readonly kind: "again"; readonly because: "complete" | "other settings" }
  | { readonly kind: "resumed"; readonly seconds: number };

/**
 * Makes the folder ready: an interrupted run with the same recipe is gone on with; one that is complete or was made
 * with another recipe is removed, but for the scenes, which the generator keeps or replaces itself.
 * Throws DatasetError for a folder that holds other things.
 */
export async function prepareRunFolder(folder: RunFolder, recipe: DemoRecipe): Promise<RunStart> {
  await mkdir(folder.root, { recursive: true });
  const record = await readRecord(folder);
  if (record === undefined) {
    const found = await readdir(folder.root);
    if (found.length === 0) return { kind: "new" };
    throw new DatasetError(
      `${folder.root}: holds ${found.length} files or folders, but no demo run (no demo.json). Name a new or an empty folder.`,
    );
  }
  const same = JSON.stringify(record.recipe) === JSON.stringify(recipe);
  if (same && !record.complete) return { kind: "resumed", seconds: record.seconds };
  await removeResults(folder);
  return { kind: "again", because: same ? "complete" : "other settings" };
}

export async function writeRecord(folder: RunFolder, record: RunRecord): Promise<void> {
  await writeFileAtomically(recordFile(folder), `${JSON.stringify(record, null, 2)}\n`);
}

async function readRecord(folder: RunFolder): Promise<RunRecord | undefined> {
  let text: string;
  try {
    text = await readFile(recordFile(folder), "utf8");
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text) as RunRecord;
  } catch (thrown) {
    throw new DatasetError(`${recordFile(folder)}: not the JSON of a demo run. Remove the folder and run again.`, {
      cause: thrown,
    });
  }
}

/** Only what a demo run writes: a folder that holds other things keeps them. */
async function removeResults(folder: RunFolder): Promise<void> {
  for (const each of [folder.training, folder.tagged, folder.onnx, folder.summary, folder.page, recordFile(folder)]) {
    await rm(each, { recursive: true, force: true });
  }
}

const recordFile = (folder: RunFolder) => path.join(folder.root, "demo.json");
