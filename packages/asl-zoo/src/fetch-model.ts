import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "asl-checkpoint";
import type { DownloadOptions } from "./download.js";
import { ZooError } from "./errors.js";
import { type CacheRecord, readRecord } from "./record.js";
import { mirrored, type ZooSettings } from "./settings.js";
import type { ZooModel } from "./table.js";

export interface FetchOptions
  extends Pick<DownloadOptions, "signal" | "onProgress" | "onNote" | "retryDelay" | "openPartial"> {
  readonly settings: ZooSettings;
}

export interface CachedModel extends CacheRecord {
  /** The whole, checked file. */
  readonly file: string;
  /** Whether it was there already. */
  readonly cached: boolean;
}

/** A lock that was not renewed for so long belongs to a process that is gone. */
const STALE_MILLISECONDS = 30_000;
const ASK_AGAIN_MILLISECONDS = 500;

/**
 * The file of a model: from the cache, else downloaded into it. Several processes may ask at once: one downloads, the
 * others wait for it. Beside the file stands FILE.json with URL, size, SHA-256, ETag, licence and source.
 * Throws ZooError; the signal's reason when aborted.
 */
export async function fetchModel(model: ZooModel, options: FetchOptions): Promise<CachedModel> {
  const { settings } = options;
  const folder = join(settings.cacheFolder, "models", model.name);
  const file = join(folder, new URL(model.url).pathname.split("/").at(-1)!);
  const there = await cachedFile(file);
  if (there !== undefined) return there;
  if (settings.offline) {
    throw new ZooError(
      `${model.name}: not in the cache (${file}), and the network is not to be used (--offline). Run once without, or ` +
        `put the file of ${model.url} somewhere and name it.`,
    );
  }
  const url = mirrored(model.url, settings);
  await mkdir(folder, { recursive: true });
  const release = await acquire(folder, model.name, options);
  try {
    // another process may have been faster
    return (await cachedFile(file)) ?? (await downloadTo(file, url, model, options));
  } finally {
    await release().catch(() => undefined);
  }
}

async function downloadTo(file: string, url: string, model: ZooModel, options: FetchOptions): Promise<CachedModel> {
  const { signal, onProgress, onNote, retryDelay, openPartial } = options;
  onNote?.(`downloading ${url}`);
  // loaded here: a file that is there already needs no HTTP client
  const [{ download }, { openConnection }] = await Promise.all([import("./download.js"), import("./http.js")]);
  await using connection = openConnection();
  await rm(`${file}.json`, { force: true });
  const { bytes, sha256, etag } = await download({
    url,
    file,
    expected: { bytes: model.bytes, sha256: model.sha256 },
    connection,
    ...{ signal, onProgress, onNote, retryDelay, openPartial },
  });
  const { license, source } = model;
  const record: CacheRecord = { url, bytes, sha256, etag, license, source, fetched: new Date().toISOString() };
  const text = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
  await writeAtomically(`${file}.json`, (writer) => writer.write(text, 0));
  return { ...record, file, cached: false };
}

/** The file and its record, when both are there and of one size; the record is written last. */
async function cachedFile(file: string): Promise<CachedModel | undefined> {
  const record = await readRecord(`${file}.json`);
  const size = (await stat(file).catch(() => undefined))?.size;
  return record !== undefined && size === record.bytes ? { ...record, file, cached: true } : undefined;
}

async function acquire(folder: string, name: string, { signal, onNote }: FetchOptions): Promise<() => Promise<void>> {
  const { lock } = await import("proper-lockfile");
  for (let told = false; ; ) {
    signal?.throwIfAborted();
    try {
      return await lock(folder, { stale: STALE_MILLISECONDS });
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error) || error.code !== "ELOCKED") throw error;
    }
    if (!told) onNote?.(`${name}: another process is downloading it; waiting`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MILLISECONDS));
  }
}
