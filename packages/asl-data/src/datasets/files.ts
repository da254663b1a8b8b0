import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
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

/** The entries of a folder, by name; none when it is not there. */
export async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** The names of the folders in a folder, sorted; none when it is not there. */
export async function foldersIn(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The names of the files in a folder, sorted; none when it is not there. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  return (await entriesOf(folder)).filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

export async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}

export async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() === true;
}

/** Endings of the picture files that `decodePicture` reads. */
export const PICTURE_FILE = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;
