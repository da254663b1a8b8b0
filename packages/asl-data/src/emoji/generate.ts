import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AslError } from "asl-core";
import { DatasetError, messageOf, systemCodeOf } from "../errors.js";
import { drawGlyphs } from "./glyphs.js";
import {
  type EmojiScenesManifest,
  hashOf,
  INSTANCES,
  instancesJson,
  isComplete,
  MANIFEST,
  PICTURES,
  readManifest,
  versionsFor,
} from "./manifest.js";
import { type EmojiScenesOptions, emojiClassNames, resolveEmojiScenesOptions } from "./options.js";
import { renderAll } from "./workforce.js";

export interface EmojiScenes {
  /** Folder of the pictures and the annotation file, as openCoco takes them. */
  readonly pictures: string;
  readonly annotations: string;
  readonly classes: readonly string[];
  readonly scenes: number;
  /** True when the folder was there, complete and made with the same parameters. */
  readonly reused: boolean;
  /** SHA-256 over all files: the same for the same parameters, whatever the number of workers. */
  readonly hash: string;
}

/**
 * Generates the emoji scenes dataset: square pictures of 2 to 5 emoji each on cluttered backgrounds, and a COCO
 * instances JSON. Everything follows from the seed. The folder appears when it is complete; a folder that holds the
 * same scenes is kept, one with other emoji scenes is replaced.
 * Throws InputError for a bad option, DatasetError when the folder holds anything else or cannot be written.
 */
export async function generateEmojiScenes(options: EmojiScenesOptions): Promise<EmojiScenes> {
  const { parameters, workers } = resolveEmojiScenesOptions(options);
  const { signal, onProgress } = options;
  const out = resolve(options.out);
  const classes = emojiClassNames(parameters.classes);
  const result = {
    pictures: join(out, PICTURES),
    annotations: join(out, INSTANCES),
    classes,
    scenes: parameters.scenes,
  };

  const existing = await readManifest(out);
  if (existing !== undefined && (await isComplete(out, existing, parameters))) {
    return { ...result, reused: true, hash: existing.hash };
  }
  if (existing === undefined) await refuseForeignFolder(out);
  signal?.throwIfAborted();

  const partial = `${out}.partial-${process.pid}`;
  try {
    const folder = join(partial, PICTURES);
    await mkdir(folder, { recursive: true });
    const largest = parameters.imageSize * parameters.objectScale[1];
    const atlas = await drawGlyphs(classes, parameters.families, Math.max(32, 2 ** Math.ceil(Math.log2(largest))));
    const records = await renderAll({ parameters, atlas, folder }, workers, signal, (done) =>
      onProgress?.(done, parameters.scenes),
    );
    const instances = instancesJson(parameters, records);
    const manifest: EmojiScenesManifest = {
      format: "asl emoji scenes",
      parameters,
      versions: await versionsFor(parameters),
      hash: hashOf(records, instances),
      instances: createHash("sha256").update(instances).digest("hex"),
    };
    await writeDurably(join(partial, INSTANCES), instances);
    await writeDurably(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await putInPlace(partial, out);
    return { ...result, reused: false, hash: manifest.hash };
  } catch (thrown) {
    // Retries: a write of another thread may still be under way.
    await rm(partial, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    if (signal?.aborted === true || thrown instanceof AslError || systemCodeOf(thrown) === "") throw thrown;
    const hint = systemCodeOf(thrown) === "ENOSPC" ? "The disk is full: free some space" : "Check the path";
    throw new DatasetError(
      `emoji scenes: ${out} cannot be written: ${messageOf(thrown)}. ${hint} and run again; nothing was left behind.`,
      { cause: thrown },
    );
  }
}

async function refuseForeignFolder(out: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(out);
  } catch (thrown) {
    if (systemCodeOf(thrown) === "ENOENT") return;
    throw new DatasetError(`emoji scenes: ${out} cannot be used as a folder: ${messageOf(thrown)}. Name another.`, {
      cause: thrown,
    });
  }
  if (entries.length > 0) {
    throw new DatasetError(
      `emoji scenes: ${out} holds ${entries.length} other files and would be replaced. Name a new or an empty folder.`,
    );
  }
}

/** The old folder is moved away first: a rename does not replace a folder that has something in it. */
async function putInPlace(partial: string, out: string): Promise<void> {
  const old = `${partial}.old`;
  try {
    await rename(out, old);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== "ENOENT") throw thrown;
  }
  await rename(partial, out);
  await rm(old, { recursive: true, force: true });
  await syncFolder(dirname(out));
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
