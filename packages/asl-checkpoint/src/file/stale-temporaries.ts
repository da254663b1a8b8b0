import { readdir, stat, unlink } from "node:fs/promises";
import path from "node:path";

/** A writer touches its temporary file all the time; one this old belongs to nobody, on whichever machine. */
const STALE_MILLISECONDS = 10 * 60 * 1000;

/** The name of a temporary file for `file`, in the same folder. */
export function temporaryName(file: string, unique: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${unique}.tmp`);
}

/**
 * Removes temporary files of `file` that a killed process or a power cut left behind. Nothing depends on it, so what
 * cannot be removed stays.
 */
export async function removeStaleTemporaries(file: string, now = Date.now()): Promise<void> {
  const folder = path.dirname(file);
  const prefix = `.${path.basename(file)}.`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(prefix.length))) continue;
    const temporary = path.join(folder, name);
    const changed = (await stat(temporary).catch(() => undefined))?.mtimeMs ?? now;
    if (now - changed > STALE_MILLISECONDS) await unlink(temporary).catch(() => undefined);
  }
}
