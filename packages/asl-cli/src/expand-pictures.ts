import { stat } from "node:fs/promises";
import path from "node:path";

/** Endings of the pictures that a folder is searched for; a file that is named itself may have any. */
const PICTURE_ENDINGS = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "avif"];

export interface ExpandedPictures {
  /** Picture files in the order of the arguments, within one argument sorted; every file once. */
  readonly files: readonly string[];
  /** One message for each argument that gives no picture. */
  readonly problems: readonly string[];
}

/**
 * The picture files that command line arguments stand for: a file is itself, a folder gives the pictures in it and in
 * its subfolders, a glob pattern ("photos/*.jpg") gives what it matches. Anything else is kept as a file name, so that
 * reading it says what is wrong. Paths stay relative to `cwd` as they were typed.
 */
export async function expandPictures(inputs: readonly string[], cwd = process.cwd()): Promise<ExpandedPictures> {
  const files = new Set<string>();
  const problems: string[] = [];
  for (const input of inputs) {
    const found = await expandOne(input, cwd);
    if (found.length === 0) problems.push(await nothingFound(input));
    for (const file of found) files.add(path.normalize(file));
  }
  return { files: [...files], problems };
}

async function expandOne(input: string, cwd: string): Promise<readonly string[]> {
  const kind = await kindOf(path.resolve(cwd, input));
  // A file whose name happens to hold glob characters ("photo [1].jpg") is that file.
  if (kind === "file") return [input];
  // loaded when needed: to tag one picture does without
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (kind === "folder") {
    const pattern = `**/*.{${PICTURE_ENDINGS.join(",")}}`;
    const found = await glob(pattern, { cwd: path.resolve(cwd, input), caseSensitiveMatch: false, dot: false });
    return inOrder(found).map((file) => path.join(input, file));
  }
  if (!isDynamicPattern(input)) return [input];
  const pattern = path.sep === "\\" ? input.replaceAll("\\", "/") : input;
  return inOrder(await glob(pattern, { cwd, expandDirectories: false }));
}

async function kindOf(file: string): Promise<"file" | "folder" | "none"> {
  try {
    return (await stat(file)).isDirectory() ? "folder" : "file";
  } catch {
    return "none";
  }
}

/** "2.jpg" before "10.jpg", the same on every machine. */
function inOrder(files: readonly string[]): readonly string[] {
  const collator = new Intl.Collator("en", { numeric: true });
  return [...files].sort((a, b) => collator.compare(a, b) || (a < b ? -1 : 1));
}

async function nothingFound(input: string): Promise<string> {
  const { escapePath, isDynamicPattern } = await import("tinyglobby");
  return isDynamicPattern(input)
    ? `${input}: no file matches this pattern. If a file has this very name, write it as ${escapePath(input)}.`
    : `${input}: no pictures in this folder. Expected files ending in ${PICTURE_ENDINGS.join(", ")}.`;
}
