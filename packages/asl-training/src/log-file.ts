import { open, readFile } from "node:fs/promises";
import { RunDirectoryError } from "./errors.js";

/**
 * The bytes of a log; none when it is not there. Throws RunDirectoryError for one that cannot be read: taken for empty it
 * would be replaced.
 */
export async function readLog(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw new RunDirectoryError(file, `cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Adds to a log and flushes it: a snapshot that is written afterwards never knows of more steps than its logs. Throws
 * RunDirectoryError when the file cannot be written.
 */
export async function appendToLog(file: string, content: string | Uint8Array): Promise<void> {
  try {
    const handle = await open(file, "a");
    try {
      await handle.appendFile(content);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new RunDirectoryError(file, `cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
