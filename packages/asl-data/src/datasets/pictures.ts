import { readdir, stat } from "node:fs/promises";
import { isAbsolute, normalize, sep } from "node:path";
import type { DatasetItem } from "../dataset.js";
import { DatasetError, messageOf, systemCodeOf } from "../errors.js";
import { isFile } from "./files.js";
import { LISTED, listed } from "./listing.js";
import type { DatasetOptions } from "./options.js";

/** Refuses a path that leaves its folder. `where` begins the message: "FILE: line 7". */
export function checkInside(path: string, folder: string, where: string): void {
  const normal = normalize(path);
  if (isAbsolute(normal) || normal === ".." || normal.startsWith(`..${sep}`)) {
    throw new DatasetError(`${where}: "${path}" leaves the folder ${folder}; it must be a path in it.`);
  }
}

/**
 * The paths of all files below a folder, as `normalize` gives them: one listing is much faster than asking for every
 * file. `source` is what names the pictures. Throws DatasetError when there is no such folder.
 */
export async function listPictures(folder: string, source: string): Promise<ReadonlySet<string>> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new DatasetError(noFolder(folder, "this is not a folder", source));
    return new Set(await readdir(folder, { recursive: true }));
  } catch (thrown) {
    if (thrown instanceof DatasetError) throw thrown;
    const why = systemCodeOf(thrown) === "ENOENT" ? "no such folder" : messageOf(thrown);
    throw new DatasetError(noFolder(folder, why, source), { cause: thrown });
  }
}

const noFolder = (folder: string, why: string, source: string) =>
  `${folder}: ${why}. Name the folder of the pictures in ${source}.`;

interface Place {
  /** The folder that the items' names are paths in. */
  readonly folder: string;
  /** The file or folder that names the pictures. */
  readonly source: string;
}

/** The items whose files are there. Throws DatasetError that lists the missing ones, unless they are to be skipped. */
export async function withPictures<Item extends DatasetItem>(
  items: readonly Item[],
  { folder, source }: Place,
  options: DatasetOptions,
): Promise<readonly Item[]> {
  const listing = await listPictures(folder, source);
  const missing: string[] = [];
  const there: Item[] = [];
  for (const item of items) {
    checkInside(item.name, folder, source);
    // a link to a folder is not followed by the listing
    if (listing.has(normalize(item.name)) || (await isFile(item.file))) there.push(item);
    else missing.push(item.name);
  }
  reportMissing({ missing, count: missing.length, total: items.length, folder, source }, options);
  return there;
}

interface Missing extends Place {
  readonly missing: readonly string[];
  readonly count: number;
  readonly total: number;
}

/** Throws, or tells `onMissing`, when pictures are missing; throws when all are. */
export function reportMissing(
  { missing, count, total, folder, source }: Missing,
  { skipMissing = false, onMissing }: DatasetOptions,
): void {
  if (count === 0) return;
  if (!skipMissing || count === total) {
    throw new DatasetError(
      `${folder}: ${count} of ${total} pictures named in ${source} are missing: ${listed(missing, count)}. ` +
        "Is this the right folder? If so, add them or remove them from the annotations" +
        (skipMissing ? "." : ", or leave them out (skipMissing, --skip-missing)."),
    );
  }
  onMissing?.({ count, total, names: missing.slice(0, LISTED) });
}
