import { readFile, stat } from "node:fs/promises";
import { RunDirectoryError } from "asl-training";

/** Throws RunDirectoryError for what is no folder. */
export async function requireFolder(folder: string): Promise<void> {
  const found = await ifThere(stat(folder));
  if (found?.isDirectory()) return;
  const what = found === undefined ? "there is no such folder" : "this is a file, not a folder";
  throw new RunDirectoryError(folder, `${what}. Name the folder of a training run (of asl-train: its --out).`);
}

/** A text file of a run's folder; undefined when it is not there. */
export const textIfThere = (file: string): Promise<string | undefined> => ifThere(readFile(file, "utf8"));

export const isThere = async (file: string): Promise<boolean> => (await ifThere(stat(file))) !== undefined;

/** Undefined when what is asked of the file system is not there; all its other errors are thrown. */
async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
