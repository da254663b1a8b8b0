import type { Tensors } from "asl-core";
import { SNAPSHOT_KEY } from "../checkpoint/formats.js";
import type { JsonObject, JsonValue } from "../checkpoint/json.js";
import { CheckpointError, causeOf } from "../errors.js";
import { DIGEST_KEY } from "../safetensors/digest.js";
import { openSafetensors } from "../safetensors/read.js";
import { writeSafetensors } from "../safetensors/write.js";

/** Everything that a training run needs in order to go on as if it had never stopped. */
export interface Snapshot {
  /** The whole state of the session: parameters, buffers, optimizer moments, EMA. Float64Array stays Float64Array. */
  readonly state: Tensors;
  /** The rest: step, epoch, position in the epoch, random seeds, recipe, history. Numbers must be finite. */
  readonly progress: JsonObject;
}

const VERSION = "1";
const PROGRESS_KEY = "asl.progress";

/**
 * Writes a snapshot as a whole or not at all, with a SHA-256 of itself.
 * @throws CheckpointError when the file cannot be written or `progress` holds what JSON cannot
 */
export async function writeSnapshot(file: string, { state, progress }: Snapshot): Promise<void> {
  checkJson(file, progress, "progress");
  const metadata = { [SNAPSHOT_KEY]: VERSION, [PROGRESS_KEY]: JSON.stringify(progress) };
  await writeSafetensors(file, { tensors: state }, { metadata, digest: true });
}

/**
 * Reads a snapshot and checks it against the SHA-256 it carries.
 * @throws CheckpointError when the file is missing, truncated, damaged or no snapshot
 */
export async function readSnapshot(file: string): Promise<Snapshot> {
  await using opened = await openSafetensors(file);
  const version = opened.metadata[SNAPSHOT_KEY];
  const progress = opened.metadata[PROGRESS_KEY];
  if (version === undefined || progress === undefined) {
    throw new CheckpointError(file, "this is a safetensors file, but not a training snapshot");
  }
  if (version !== VERSION) {
    throw new CheckpointError(file, `snapshot of version ${version}; this program reads version ${VERSION}`);
  }
  if (opened.metadata[DIGEST_KEY] === undefined) throw new CheckpointError(file, "the snapshot lacks its SHA-256");
  const state = await opened.readAll();
  return { state, progress: parseProgress(file, progress) };
}

function parseProgress(file: string, text: string): JsonObject {
  try {
    const value: JsonValue = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw new CheckpointError(file, `the progress of the snapshot is no JSON (${causeOf(error)})`, { cause: error });
  }
  throw new CheckpointError(file, "the progress of the snapshot is no object");
}

/** JSON.stringify turns NaN into null and drops undefined: a resumed run would differ without a word. */
function checkJson(file: string, value: JsonValue, path: string): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (isList(value)) {
    for (const [index, item] of value.entries()) checkJson(file, item, `${path}[${index}]`);
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) checkJson(file, item, `${path}.${key}`);
  } else {
    throw new CheckpointError(file, `${path} is ${String(value)}, which JSON cannot hold`);
  }
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
