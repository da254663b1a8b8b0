import { basename, dirname, extname, join, resolve } from "node:path";
import { InputError } from "asl-core";
import { csvSplits } from "./csv.js";
import { filesIn, foldersIn, isFile, isFolder, PICTURE_FILE } from "./files.js";
import { listed } from "./listing.js";
import { folderSplit, locateDataset, USUAL_PLACES } from "./locate-coco.js";
import { nusWideSplits } from "./nus-wide.js";
import type { DatasetKind, DatasetSource } from "./source.js";
import { isVocFolder, vocSplits } from "./voc.js";

/** The sets of a dataset, as far as they are there. */
export interface LocatedSources {
  readonly train: DatasetSource | undefined;
  readonly val: DatasetSource | undefined;
  /** Of neither by its name: all pictures there are. */
  readonly whole: DatasetSource | undefined;
}

export interface SplitNames {
  /** Default: trainval where test is there, else train. */
  readonly train?: string;
  /** Default: test, else val. */
  readonly val?: string;
}

const NONE: LocatedSources = { train: undefined, val: undefined, whole: undefined };
const isNone = ({ train, val, whole }: LocatedSources) =>
  train === undefined && val === undefined && whole === undefined;

type Locator = (data: string, splits: SplitNames) => Promise<LocatedSources>;

/** In the order in which a kind is recognised: the surest signs first. */
const LOCATE: Readonly<Record<DatasetKind, Locator>> = {
  voc: locateVoc,
  "nus-wide": locateNusWide,
  "open-images": locateOpenImages,
  coco: locateCoco,
  csv: locateCsv,
  folders: locateFolders,
};

/** What is looked for, by kind, for messages. */
export const SIGNS: Readonly<Record<DatasetKind, string>> = {
  voc: "JPEGImages, Annotations and ImageSets/Main in the folder or in one folder of it",
  "nus-wide":
    "Concepts81.txt and TrainImagelist.txt, TestImagelist.txt or Imagelist.txt in the folder or folders of it",
  "open-images":
    "*class-descriptions*.csv and *train/validation/test-annotations-human-imagelabels*.csv in the folder or folders of it",
  coco: USUAL_PLACES,
  csv: "a .csv file, or train.csv, val.csv or labels.csv in the folder",
  folders: "one folder of pictures per class in the folder, or in its train and val folders",
};

/**
 * Finds the sets of a dataset below a folder (or in a CSV file), of the kind that is asked for or the first whose signs
 * are there. All are undefined when there are none. Throws InputError when several things could be meant.
 */
export async function locateSources(
  data: string,
  kind: DatasetKind | undefined,
  splits: SplitNames = {},
): Promise<LocatedSources> {
  if (kind !== undefined) return await LOCATE[kind](data, splits);
  for (const locate of Object.values(LOCATE)) {
    const located = await locate(data, splits);
    if (!isNone(located)) return located;
  }
  return NONE;
}

async function locateVoc(data: string, splits: SplitNames): Promise<LocatedSources> {
  const candidates = [data, ...(await foldersIn(data)).map((name) => join(data, name))];
  const found: string[] = [];
  for (const folder of candidates) if (await isVocFolder(folder)) found.push(folder);
  const [folder, other] = found;
  if (folder === undefined) return NONE;
  if (other !== undefined) throw new InputError(`${data}: holds several PASCAL-VOC trees: ${listed(found)}; name one`);
  const names = await vocSplits(folder);
  const tested = names.includes("test");
  const source = (asked: string | undefined, usual: readonly string[]): DatasetSource | undefined => {
    const split = asked ?? usual.find((name) => names.includes(name));
    return split === undefined ? undefined : { kind: "voc", folder, split };
  };
  return {
    train: source(splits.train, tested ? ["trainval", "train"] : ["train", "trainval"]),
    val: source(splits.val, tested ? ["test"] : ["val"]),
    whole: undefined,
  };
}

async function locateNusWide(data: string, splits: SplitNames): Promise<LocatedSources> {
  const names = await nusWideSplits(data);
  const source = (asked: string | undefined, usual: string): DatasetSource | undefined => {
    const split = names.find((name) => name.toLowerCase() === (asked ?? usual).toLowerCase());
    if (split === undefined && asked !== undefined && names.length > 0) {
      throw new InputError(`${data}: NUS-WIDE has no split "${asked}" here; it has ${names.join(", ")}`);
    }
    return split === undefined ? undefined : { kind: "nus-wide", folder: data, split };
  };
  return {
    train: source(splits.train, "Train"),
    val: source(splits.val, "Test"),
    whole: names.includes("All") ? { kind: "nus-wide", folder: data, split: "All" } : undefined,
  };
}

async function locateOpenImages(data: string, splits: SplitNames): Promise<LocatedSources> {
  const folders = [data, ...(await foldersIn(data)).map((name) => join(data, name))];
  const files = (
    await Promise.all(folders.map(async (folder) => (await filesIn(folder)).map((name) => join(folder, name))))
  ).flat();
  const matching = (pattern: RegExp) => files.filter((file) => pattern.test(basename(file)));
  const only = (pattern: RegExp, what: string): string | undefined => {
    const [first, second] = matching(pattern);
    if (second !== undefined)
      throw new InputError(`both ${first} and ${second} could be Open Images' ${what}; keep one`);
    return first;
  };
  if (matching(/annotations-human-imagelabels.*\.csv$/).length === 0) return NONE;
  const descriptions = only(/class-descriptions(?!-boxable).*\.csv$/, "class descriptions");
  if (descriptions === undefined) return NONE;
  const trainable = only(/classes-trainable.*\.txt$/, "trainable classes");
  const source = async (split: string): Promise<DatasetSource | undefined> => {
    const labels = only(
      new RegExp(`(^|-)${split}-annotations-human-imagelabels.*\\.csv$`),
      `labels of the split ${split}`,
    );
    if (labels === undefined) return undefined;
    const places = [join(data, split), join(data, "images", split), join(data, "images"), data];
    const pictures = await firstFolder(places);
    return { kind: "open-images", labels, descriptions, pictures, ...(trainable === undefined ? {} : { trainable }) };
  };
  return {
    train: await source(splits.train ?? "train"),
    val: await source(splits.val ?? "validation"),
    whole: undefined,
  };
}

async function firstFolder(places: readonly string[]): Promise<string> {
  for (const place of places) if (await isFolder(place)) return place;
  return places.at(-1)!;
}

async function locateCoco(data: string): Promise<LocatedSources> {
  if (!(await isFolder(data))) return NONE;
  const { train, val, whole } = await locateDataset(data);
  const source = (set: typeof train): DatasetSource | undefined =>
    set === undefined ? undefined : { kind: "coco", ...set };
  return { train: source(train), val: source(val), whole: source(whole) };
}

async function locateCsv(data: string, splits: SplitNames): Promise<LocatedSources> {
  if (extname(data).toLowerCase() === ".csv" && (await isFile(data))) return await csvSets(data, splits);
  const files = await filesIn(data);
  const named = (...names: readonly string[]) => names.find((name) => files.includes(`${name}.csv`));
  const source = (name: string | undefined): DatasetSource | undefined =>
    name === undefined ? undefined : { kind: "csv", file: join(data, `${name}.csv`) };
  const train = named("train");
  const val = named("val", "validation", "test");
  if (train !== undefined || val !== undefined) return { train: source(train), val: source(val), whole: undefined };
  const whole = named("labels", "annotations", "data");
  return whole === undefined ? NONE : await csvSets(join(data, `${whole}.csv`), splits);
}

/** A column "split" makes sets of one file. */
async function csvSets(file: string, splits: SplitNames): Promise<LocatedSources> {
  const names = await csvSplits(file);
  const source = (asked: string | undefined, usual: readonly string[]): DatasetSource | undefined => {
    const split = asked ?? usual.find((name) => names.includes(name));
    return split === undefined ? undefined : { kind: "csv", file, split };
  };
  const train = source(splits.train, ["train"]);
  const val = source(splits.val, ["val", "validation", "valid", "test"]);
  return { train, val, whole: train === undefined && val === undefined ? { kind: "csv", file } : undefined };
}

async function locateFolders(data: string): Promise<LocatedSources> {
  const own = resolve(data);
  const names = await foldersIn(own);
  const tree = async (name: string | undefined): Promise<DatasetSource | undefined> =>
    name !== undefined && (await holdsClassFolders(join(own, name)))
      ? { kind: "folders", folder: join(data, name) }
      : undefined;
  const train = await tree(names.find((name) => folderSplit(name) === "train"));
  const val = await tree(names.find((name) => folderSplit(name) === "val") ?? names.find((name) => name === "test"));
  if (train !== undefined || val !== undefined) return { train, val, whole: undefined };
  if (names.some((name) => folderSplit(name) !== undefined) || !(await holdsClassFolders(own))) return NONE;
  const split = folderSplit(basename(own));
  if (split === undefined) return { train: undefined, val: undefined, whole: { kind: "folders", folder: data } };
  // seen from one of the splits' folders: the other is beside it
  return await locateFolders(dirname(own));
}

/** Whether two folders or more in it have pictures in them. */
async function holdsClassFolders(folder: string): Promise<boolean> {
  let found = 0;
  for (const name of await foldersIn(folder)) {
    if ((await filesIn(join(folder, name))).some((file) => PICTURE_FILE.test(file))) found++;
    if (found >= 2) return true;
  }
  return false;
}
