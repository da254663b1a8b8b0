import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "asl-core";
import { filesIn, foldersIn } from "./files.js";

/** A folder of pictures and its COCO instances file. */
export interface PictureSet {
  readonly pictures: string;
  readonly annotations: string;
}

export interface LocatedDataset {
  readonly train: PictureSet | undefined;
  readonly val: PictureSet | undefined;
  /** Annotations that belong to neither by their name. */
  readonly whole: PictureSet | undefined;
}

const INSTANCES = /^instances.*\.json$/i;
const PICTURE_FOLDERS = ["pictures", "images"];
type Split = "train" | "val";

/** What the places that are searched are called in messages. */
export const USUAL_PLACES =
  'instances*.json in the folder, in its "annotations", "train" or "val" folder, or beside it';

/**
 * Finds annotations where COCO-like datasets have them: DIR/instances_train.json, DIR/annotations/instances_train2017.json,
 * DIR/train/instances.json, or beside DIR when DIR itself is "train" or "val"; pictures in DIR/train, DIR/train2017,
 * DIR/train/pictures, DIR/pictures, DIR/images or DIR. Throws InputError when two files could be meant.
 */
export async function locateDataset(folder: string): Promise<LocatedDataset> {
  const own = resolve(folder);
  const split = folderSplit(basename(own));
  const root = split === undefined ? own : dirname(own);
  const located = {
    train: await locateSplit(root, "train"),
    val: await locateSplit(root, "val"),
    whole: await locateWhole(own),
  };
  return split === undefined ? located : { ...located, whole: undefined };
}

async function locateSplit(root: string, split: Split): Promise<PictureSet | undefined> {
  const folders = (await foldersIn(root)).filter((name) => folderSplit(name) === split);
  const places = [root, join(root, "annotations")];
  const named = (await instancesIn(places)).filter((file) => splitOf(basename(file)) === split);
  const inside = await instancesIn(folders.map((name) => join(root, name)));
  const annotations = only([...named, ...inside], split);
  if (annotations === undefined) return undefined;
  const [folder] = folders;
  return { annotations, pictures: await pictureFolder(folder === undefined ? root : join(root, folder)) };
}

async function locateWhole(folder: string): Promise<PictureSet | undefined> {
  const found = await instancesIn([folder, join(folder, "annotations")]);
  const annotations = only(
    found.filter((file) => splitOf(basename(file)) === undefined),
    "all pictures",
  );
  return annotations === undefined ? undefined : { annotations, pictures: await pictureFolder(folder) };
}

/** "train", "train2017" and "val" are folders of a split; "emoji-val-800" is a dataset of its own. */
export function folderSplit(name: string): Split | undefined {
  return /^(train|val|validation)\d*$/i.test(name) ? splitOf(name) : undefined;
}

/** "instances_free_train.json" and "train2017" are of the split "train". */
function splitOf(name: string): Split | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  if (words.includes("train")) return "train";
  return words.includes("val") || words.includes("validation") ? "val" : undefined;
}

async function pictureFolder(folder: string): Promise<string> {
  const inner = (await foldersIn(folder)).find((name) => PICTURE_FOLDERS.includes(name));
  return inner === undefined ? folder : join(folder, inner);
}

function only(files: readonly string[], what: string): string | undefined {
  const [first, second] = files;
  if (second === undefined) return first;
  throw new InputError(`both ${first} and ${second} could be the annotations of ${what}; name one with --annotations`);
}

async function instancesIn(folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(
    folders.map(async (folder) => (await filesIn(folder)).map((name) => join(folder, name))),
  );
  return files.flat().filter((file) => INSTANCES.test(basename(file)));
}
