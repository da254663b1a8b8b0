import { randomBytes } from "node:crypto";
import { type FileHandle, open, realpath, rename, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { AslError } from "asl-core";
import { CheckpointError, causeOf, systemCode } from "../errors.js";
import { CHUNK } from "./chunks.js";
import { removeStaleTemporaries, temporaryName } from "./stale-temporaries.js";

/** Where the content of a file that is being written goes. */
export interface PositionalWriter {
  write(bytes: Uint8Array, position: number): Promise<void>;
}

/** Opens the temporary file: replaced in tests to inject a full disk. */
export type OpenTemporary = (file: string) => Promise<FileHandle>;

/**
 * Writes a file as a whole or not at all: the content goes to a temporary file in the same folder, is flushed to the
 * disk and then takes the name of `file` in one step. Whatever fails, the temporary file is removed and an
 * older `file` stays as it was.
 */
export async function writeAtomically(
  file: string,
  produce: (writer: PositionalWriter) => Promise<void>,
  openTemporary: OpenTemporary = (temporary) => open(temporary, "wx"),
): Promise<void> {
  const target = await resolveLink(file);
  await removeStaleTemporaries(target);
  const temporary = temporaryName(target, randomBytes(8).toString("hex"));
  let handle: FileHandle;
  try {
    handle = await openTemporary(temporary);
  } catch (error) {
    throw writeFailure(file, error);
  }
  let open = true;
  try {
    await takeMode(handle, target);
    await produce({ write: (bytes, position) => writeAll(handle, bytes, position) });
    await handle.sync();
    open = false;
    await handle.close();
    await rename(temporary, target);
  } catch (error) {
    if (open) await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error instanceof AslError ? error : writeFailure(file, error);
  }
  await syncFolder(path.dirname(target));
}

/** Who may read an older file may read the new one, and nobody else, where the file system knows of that. */
async function takeMode(handle: FileHandle, target: string): Promise<void> {
  const older = await stat(target).catch(() => undefined);
  if (older !== undefined) await handle.chmod(older.mode & 0o777).catch(() => undefined);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(CHUNK, bytes.byteLength - done), position + done);
    done += bytesWritten;
  }
}

/** A name that is a symbolic link keeps being one: the file it points to is replaced. */
async function resolveLink(file: string): Promise<string> {
  let target: string;
  try {
    target = await realpath(file);
  } catch {
    return file; // The usual case: a new file. A missing folder is reported when the temporary file is opened.
  }
  if ((await stat(target)).isDirectory()) throw new CheckpointError(file, "cannot be written: this is a folder");
  return target;
}

/** Makes the rename itself durable. Not every platform can open a folder, and the content is safe without it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows refuses this; the new content is on the disk already.
  }
}

function writeFailure(file: string, error: unknown): CheckpointError {
  const kept = "no half-written file was left, and an older file of this name is unchanged";
  const detail = ((): string => {
    switch (systemCode(error)) {
      case "ENOSPC":
        return `cannot be written: the disk is full; ${kept}. Free some space or choose another folder`;
      case "EDQUOT":
        return `cannot be written: the disk quota is used up; ${kept}`;
      case "EFBIG":
        return `cannot be written: the file system does not allow a file this large; ${kept}`;
      case "ENOENT":
        return "cannot be written: its folder does not exist";
      case "EACCES":
      case "EPERM":
      case "EROFS":
        return "cannot be written: no permission to write in its folder";
      default:
        return `cannot be written (${causeOf(error)}); ${kept}`;
    }
  })();
  return new CheckpointError(file, detail, { cause: error });
}
