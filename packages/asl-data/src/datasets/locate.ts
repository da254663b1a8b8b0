import { basename, dirname, extname, join, resolve } from "node:path";
import { InputError } from "asl-core";
import { csvSplits } from "./csv.js";
import { filesIn, foldersIn, isFile, isFolder, PICTURE_FILE } from "./files.js";
import { listed } from "./listing.js";
import { folderSplit, locateDataset, type PictureSet, USUAL_PLACES } from "./locate-coco.js";
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

/** The sets that are asked for by name. A name that a dataset does not have is an error, here or when it is opened. */
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

/** "oidv6-train-annotations-human-imagelabels.csv" is of the split "train". */
const LABELS_OF_SPLIT = /(?:^|-)([^-]+)-annotations-human-imagelabels.*\.csv$/;

async function locateOpenImages(data: string, splits: SplitNames): Promise<LocatedSources> {
  const folders = [data, ...(await foldersIn(data)).map((name) => join(data, name))];
  const files = (
    await Promise.all(folders.map(async (folder) => (await filesIn(folder)).map((name) => join(folder, name))))
  ).flat();
  const matching = (pattern: RegExp, group?: string) =>
    files.filter((file) => {
      const match = pattern.exec(basename(file));
      return match !== null && (group === undefined || match[1] === group);
    });
  const only = (pattern: RegExp, what: string, group?: string): string | undefined => {
    const [first, second] = matching(pattern, group);
    if (second !== undefined)
      throw new InputError(`both ${first} and ${second} could be Open Images' ${what}; keep one`);
    return first;
  };
  if (matching(LABELS_OF_SPLIT).length === 0) return NONE;
  const descriptions = only(/class-descriptions(?!-boxable).*\.csv$/, "class descriptions");
  if (descriptions === undefined) return NONE;
  const trainable = only(/classes-trainable.*\.txt$/, "trainable classes");
  const source = async (split: string): Promise<DatasetSource | undefined> => {
    const labels = only(LABELS_OF_SPLIT, `labels of the split ${split}`, split);
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

async function locateCoco(data: string, splits: SplitNames): Promise<LocatedSources> {
  if (!(await isFolder(data))) return NONE;
  const located = await locateDataset(data);
  const source = (set: PictureSet | undefined): DatasetSource | undefined =>
    set === undefined ? undefined : { kind: "coco", ...set };
  const [train, val, whole] = [source(located.train), source(located.val), source(located.whole)];
  if (train === undefined && val === undefined && whole === undefined) return NONE;
  const asked = (name: string | undefined, usual: DatasetSource | undefined): DatasetSource | undefined => {
    if (name === undefined) return usual;
    const split = folderSplit(name);
    const found = split === undefined ? undefined : { train, val }[split];
    return found ?? noSuchSplit(data, name, [...(train ? ["train"] : []), ...(val ? ["val"] : [])]);
  };
  return { train: asked(splits.train, train), val: asked(splits.val, val), whole };
}

function noSuchSplit(data: string, asked: string, names: readonly string[]): never {
  const has = names.length === 0 ? "has no splits" : `has ${listed(names)}`;
  throw new InputError(`${data}: no split "${asked}" here; it ${has}`);
}

async function locateCsv(data: string, splits: SplitNames): Promise<LocatedSources> {
  if (extname(data).toLowerCase() === ".csv" && (await isFile(data))) return await csvSources(data, splits);
  const files = (await filesIn(data)).filter((name) => name.endsWith(".csv")).map((name) => basename(name, ".csv"));
  const source = (asked: string | undefined, usual: readonly string[]): DatasetSource | undefined => {
    if (asked !== undefined && !files.includes(asked)) return noSuchSplit(data, asked, files);
    const name = asked ?? usual.find((each) => files.includes(each));
    return name === undefined ? undefined : { kind: "csv", file: join(data, `${name}.csv`) };
  };
  if (CSV_SPLITS.flat().some((name) => files.includes(name))) {
    const [train, val] = CSV_SPLITS;
    return { train: source(splits.train, train), val: source(splits.val, val), whole: undefined };
  }
  const whole = ["labels", "annotations", "data"].find((name) => files.includes(name));
  return whole === undefined ? NONE : await csvSources(join(data, `${whole}.csv`), splits);
}

/** How files and rows of the training and the validation pictures are called. */
const CSV_SPLITS = [["train"], ["val", "validation", "valid", "test"]] as const;

/**
 * The sets of a CSV file: as its column "split" says; without such a column all are `whole`. A set that is asked for is
 * not looked for here: opening it says what is there. `pictures`: the folder that paths are relative to; default: that of
 * the file.
 */
export async function csvSources(file: string, splits: SplitNames = {}, pictures?: string): Promise<LocatedSources> {
  const names = await csvSplits(file);
  const all = { kind: "csv", file, ...(pictures === undefined ? {} : { pictures }) } as const;
  const source = (asked: string | undefined, usual: readonly string[]): DatasetSource | undefined => {
    const split = asked ?? usual.find((name) => names.includes(name));
    return split === undefined ? undefined : { ...all, split };
  };
  const train = source(splits.train, CSV_SPLITS[0]);
  const val = source(splits.val, CSV_SPLITS[1]);
  return { train, val, whole: train === undefined && val === undefined ? all : undefined };
}

async function locateFolders(data: string, splits: SplitNames): Promise<LocatedSources> {
  const own = resolve(data);
  const names = await foldersIn(own);
  const tree = async (asked: string | undefined, usual: string | undefined): Promise<DatasetSource | undefined> => {
    const name = asked ?? usual;
    if (name !== undefined && names.includes(name) && (await holdsClassFolders(join(own, name))))
      return { kind: "folders", folder: join(data, name) };
    return asked === undefined ? undefined : noSuchSplit(data, asked, names);
  };
  const ofSplit = (split: string) => names.find((name) => folderSplit(name) === split);
  if (ofSplit("train") !== undefined || ofSplit("val") !== undefined || names.includes("test")) {
    const train = await tree(splits.train, ofSplit("train"));
    const val = await tree(splits.val, ofSplit("val") ?? names.find((name) => name === "test"));
    if (train !== undefined || val !== undefined) return { train, val, whole: undefined };
  }
  if (names.some((name) => folderSplit(name) !== undefined) || !(await holdsClassFolders(own))) return NONE;
  const split = folderSplit(basename(own));
  // seen from one of the splits' folders: the other is beside it
  if (split !== undefined) return await locateFolders(dirname(own), splits);
  const asked = splits.train ?? splits.val;
  if (asked !== undefined) noSuchSplit(data, asked, []);
  return { train: undefined, val: undefined, whole: { kind: "folders", folder: data } };
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
