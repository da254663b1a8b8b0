import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatasetError, messageOf, systemCodeOf } from "../errors.js";

/** A file's text without a byte order mark. Throws DatasetError that says what the file should be. */
export async function readText(file: string, expected: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    throw unreadable(file, expected, thrown);
  }
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

export function unreadable(file: string, expected: string, thrown: unknown): DatasetError {
  const code = systemCodeOf(thrown);
  const why =
    code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder" : `cannot be read: ${messageOf(thrown)}`;
  return new DatasetError(`${file}: ${why}. Expected ${expected}.`, { cause: thrown });
}

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Trimmed, not empty. */
  readonly text: string;
}

/** The lines of a list file, empty ones left out. */
export async function readLines(file: string, expected: string): Promise<readonly Line[]> {
  const lines = (await readText(file, expected)).split(/\r?\n/);
  return lines.map((text, index) => ({ number: index + 1, text: text.trim() })).filter(({ text }) => text !== "");
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** What systems and tools leave beside people's own files: .DS_Store, ._cat.jpg, .ipynb_checkpoints, .git. */
export const isHidden = (name: string): boolean => name.startsWith(".");

/** The entries of a folder but hidden ones, by name; a link is what it leads to. None when the folder is not there. */
async function entriesOf(folder: string): Promise<readonly Entry[]> {
  let entries: readonly Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  const own = await Promise.all(
    entries
      .filter(({ name }) => !isHidden(name))
      .map(async (entry): Promise<Entry> => {
        const { name } = entry;
        return {
          name,
          isFolder: entry.isSymbolicLink() ? await isFolder(join(folder, name)) : entry.isDirectory(),
        };
      }),
  );
  return own.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names of the folders in a folder, sorted; none when it is not there. */
export async function foldersIn(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isFolder).map(({ name }) => name);
}

/** The names of the files in a folder, sorted; none when it is not there. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder)).filter((entry) => !entry.isFolder).map(({ name }) => name);
}

export async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}

export async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() === true;
}

/** Endings of the picture files that `decodePicture` reads. */
export const PICTURE_FILE = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
