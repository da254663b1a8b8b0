import { basename, join } from "node:path";
import type { Dataset, DatasetItem } from "../dataset.js";
import { DatasetError } from "../errors.js";
import { classTable, UnknownLabels } from "./class-table.js";
import { filesIn, foldersIn, isFolder, readLines } from "./files.js";
import { listed, shown } from "./listing.js";
import type { DatasetOptions } from "./options.js";
import { withPictures } from "./pictures.js";

/** `Train` and `Test` have lists and labels of their own; `All` is the whole. */
export type NusWideSplit = "Train" | "Test" | "All";

export interface NusWideOptions extends DatasetOptions {
  /** Holds the lists, at any depth: TrainImagelist.txt, Concepts81.txt, Labels_airport_Train.txt, ... */
  readonly folder: string;
  readonly split: NusWideSplit;
  /** The folder that the lists' paths are relative to. Default: FOLDER/Flickr, /images, /Images or FOLDER itself. */
  readonly pictures?: string;
}

const IMAGE_LISTS: Readonly<Record<NusWideSplit, string>> = {
  Train: "TrainImagelist.txt",
  Test: "TestImagelist.txt",
  All: "Imagelist.txt",
};
const CONCEPTS = "Concepts81.txt";
const PICTURE_FOLDERS = ["Flickr", "images", "Images"];

/**
 * Opens NUS-WIDE as it is distributed: a list of pictures, the list of the 81 concepts, and one file per concept with a
 * line "0" or "1" per picture. Backslashes in the lists are folders. Throws DatasetError with file and line.
 */
export async function openNusWide(options: NusWideOptions): Promise<Dataset> {
  const { folder, split } = options;
  const lists = await listFiles(folder);
  const list = fileOf(lists, folder, IMAGE_LISTS[split], "the list of pictures");
  const concepts = fileOf(lists, folder, CONCEPTS, "the list of concepts");
  const names = (await readLines(list, "a list of pictures, one on a line")).map(({ text }) =>
    text.replaceAll("\\", "/"),
  );
  const own = (await readLines(concepts, "a list of concepts, one on a line")).map(({ text }) => text);
  if (names.length === 0) throw new DatasetError(`${list}: nothing to load: the list is empty.`);
  if (own.length === 0) throw new DatasetError(`${concepts}: the list is empty; at least one concept is needed.`);

  const { classes, indexOf } = classTable(own, options, concepts);
  const unknown = new UnknownLabels(concepts);
  const labels: Set<number>[] = names.map(() => new Set());
  for (const concept of own) {
    const label = indexOf(concept);
    const file = fileOf(lists, folder, labelFile(concept, split), `the labels of "${concept}"`);
    const positives = await positivesOf(file, names.length, list);
    if (label === undefined && positives.length > 0) unknown.add(`"${concept}" (${positives.length} pictures)`);
    else if (label !== undefined) for (const index of positives) labels[index]!.add(label);
  }
  unknown.check(classes);
  const pictures = options.pictures ?? (await pictureFolder(folder));
  const items = names.map(
    (name, index): DatasetItem => ({
      name,
      file: join(pictures, name),
      labels: [...labels[index]!].sort((a, b) => a - b),
    }),
  );
  const kept = options.dropUnannotated === true ? items.filter((item) => item.labels.length > 0) : items;
  return { classes, items: await withPictures(kept, { folder: pictures, source: list }, options) };
}

/** The splits whose lists are in a folder, at any depth. */
export async function nusWideSplits(folder: string): Promise<readonly NusWideSplit[]> {
  const lists = await listFiles(folder);
  if (!lists.has(CONCEPTS)) return [];
  return (["Train", "Test", "All"] as const).filter((split) => lists.has(IMAGE_LISTS[split]));
}

/** Labels_airport.txt is of all pictures, Labels_airport_Train.txt of the training pictures. */
const labelFile = (concept: string, split: NusWideSplit) =>
  `Labels_${concept}${split === "All" ? "" : `_${split}`}.txt`;

/** Where each list is, by its name; pictures lie in folders of their own, which are not searched. */
async function listFiles(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const search = async (place: string, depth: number): Promise<void> => {
    for (const name of await filesIn(place)) {
      if (name.endsWith(".txt")) found.set(name, [...(found.get(name) ?? []), join(place, name)]);
    }
    if (depth === 0) return;
    for (const name of await foldersIn(place)) {
      if (!PICTURE_FOLDERS.includes(name)) await search(join(place, name), depth - 1);
    }
  };
  await search(folder, 3);
  return found;
}

function fileOf(lists: ReadonlyMap<string, readonly string[]>, folder: string, name: string, what: string): string {
  const found = lists.get(name) ?? [];
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    throw new DatasetError(`${folder}: ${name} (${what}) is there more than once: ${listed(found)}. Keep one of them.`);
  }
  throw new DatasetError(
    `${folder}: ${name} (${what}) is missing. Expected NUS-WIDE's lists in this folder or folders in it: ` +
      `${Object.values(IMAGE_LISTS).join(", ")}, ${CONCEPTS} and ${labelFile("airport", "Train")}, ...`,
  );
}

/** The numbers of the lines that are "1". */
async function positivesOf(file: string, pictures: number, list: string): Promise<readonly number[]> {
  const lines = await readLines(file, 'a line "0" or "1" per picture');
  if (lines.length !== pictures) {
    throw new DatasetError(
      `${file}: has ${lines.length} labels, but ${basename(list)} has ${pictures} pictures; one label per picture is ` +
        "needed. Are both of the same split?",
    );
  }
  return lines.flatMap(({ number, text }, index) => {
    if (text === "1") return [index];
    if (text === "0") return [];
    throw new DatasetError(`${file}: line ${number}: must be 0 or 1; found ${shown(text)}.`);
  });
}

async function pictureFolder(folder: string): Promise<string> {
  for (const name of PICTURE_FOLDERS) if (await isFolder(join(folder, name))) return join(folder, name);
  return folder;
}
