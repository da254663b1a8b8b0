import { basename, join } from "node:path";
import type { Dataset, DatasetItem } from "../dataset.js";
import { DatasetError } from "../errors.js";
import { classTable, UnknownLabels } from "./class-table.js";
import { filesIn, isFile, PICTURE_FILE, readLines } from "./files.js";
import { listed } from "./listing.js";
import type { DatasetOptions } from "./options.js";
import { withPictures } from "./pictures.js";
import { readVocObjects, type VocObject } from "./voc-xml.js";

/** The 20 classes of PASCAL-VOC in their usual, alphabetical order. */
export const VOC_CLASSES: readonly string[] = (
  "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa " +
  "train tvmonitor"
).split(" ");

/**
 * What a class means of which a picture shows only objects marked as difficult: `ignore`, target -1, as in the VOC
 * evaluation, which counts them neither as hits nor as mistakes; `include`, target 1; `negative`, target 0.
 */
export type VocDifficult = "ignore" | "include" | "negative";

export interface VocOptions extends DatasetOptions {
  /** Holds JPEGImages, Annotations and ImageSets/Main: VOCdevkit/VOC2007. */
  readonly folder: string;
  /** ImageSets/Main/SPLIT.txt: train, val, trainval, test. */
  readonly split: string;
  /** Default `ignore`. */
  readonly difficult?: VocDifficult;
}

const LIST = "a list of picture names, one on a line (what follows a space is ignored)";
/** Annotation files that are read at a time. */
const AT_ONCE = 16;

/**
 * Opens a PASCAL-VOC tree: the pictures of ImageSets/Main/SPLIT.txt with the objects of Annotations/NAME.xml. Classes:
 * PASCAL's 20 when no other occurs, else the names that occur, in alphabetical order. Throws DatasetError.
 */
export async function openVoc(options: VocOptions): Promise<Dataset> {
  const { folder, split, difficult = "ignore" } = options;
  const list = join(folder, "ImageSets", "Main", `${split}.txt`);
  if (!(await isFile(list))) {
    const others = await vocSplits(folder);
    const has = others.length > 0 ? `it has ${others.join(", ")}` : "there is none";
    throw new DatasetError(`${list}: no such file. Expected the list of the pictures of split "${split}"; ${has}.`);
  }
  const names = (await readLines(list, LIST)).map(({ text }) => text.split(/\s+/)[0]!);
  if (names.length === 0) throw new DatasetError(`${list}: nothing to load: the list is empty. Expected ${LIST}.`);
  const twice = doubled(names);
  if (twice !== undefined) throw new DatasetError(`${list}: "${twice}" is there twice; a picture has one line.`);

  const objects = await objectsOf(names, folder, list);
  const found = [...new Set(objects.flatMap((each) => each.map(({ name }) => name)))].sort();
  const own = found.every((name) => VOC_CLASSES.includes(name)) ? VOC_CLASSES : found;
  const { classes, indexOf } = classTable(own, options, folder);
  const unknown = new UnknownLabels(join(folder, "Annotations"));
  const fileOf = await pictureFiles(folder);
  const items = names.map((name, index): DatasetItem => {
    const sure = new Set<number>();
    const doubtful = new Set<number>();
    for (const object of objects[index]!) {
      const label = indexOf(object.name);
      if (label === undefined) unknown.add(`"${object.name}" (${name}.xml)`);
      else (object.difficult ? doubtful : sure).add(label);
    }
    const only = [...doubtful].filter((label) => !sure.has(label));
    const inOrder = (labels: Iterable<number>) => [...labels].sort((a, b) => a - b);
    const picture = fileOf.get(name) ?? `${name}.jpg`;
    return {
      name: picture,
      file: join(folder, "JPEGImages", picture),
      labels: inOrder(difficult === "include" ? [...sure, ...only] : sure),
      ...(difficult === "ignore" && only.length > 0 ? { unannotated: inOrder(only) } : {}),
    };
  });
  unknown.check(classes);
  const kept = options.dropUnannotated === true ? items.filter(({ labels }) => labels.length > 0) : items;
  const place = { folder: join(folder, "JPEGImages"), source: list };
  return { classes, items: await withPictures(kept, place, options) };
}

/** Whether a folder is laid out as VOC2007 is. */
export async function isVocFolder(folder: string): Promise<boolean> {
  return (await vocSplits(folder)).length > 0 && (await filesIn(join(folder, "Annotations"))).length > 0;
}

/** The splits that ImageSets/Main lists; lists of single classes (cat_train.txt) are none. */
export async function vocSplits(folder: string): Promise<readonly string[]> {
  const lists = (await filesIn(join(folder, "ImageSets", "Main"))).filter((name) => name.endsWith(".txt"));
  const names = lists.map((name) => basename(name, ".txt"));
  return names.filter((name) => !names.some((split) => split !== name && name.endsWith(`_${split}`)));
}

async function objectsOf(names: readonly string[], folder: string, list: string): Promise<(readonly VocObject[])[]> {
  const annotations = new Set(await filesIn(join(folder, "Annotations")));
  const missing = names.filter((name) => !annotations.has(`${name}.xml`));
  if (missing.length > 0) {
    throw new DatasetError(
      `${join(folder, "Annotations")}: ${missing.length} of ${names.length} annotation files of ${list} are missing: ` +
        `${listed(missing.map((name) => `${name}.xml`))}. Add them or remove the names from the list.`,
    );
  }
  const objects: (readonly VocObject[])[] = new Array(names.length);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < names.length; index = next++) {
      objects[index] = await readVocObjects(join(folder, "Annotations", `${names[index]}.xml`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return objects;
}

/** PASCAL's pictures are .jpg; trees of others often hold .png, too. */
async function pictureFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = (await filesIn(join(folder, "JPEGImages"))).filter((file) => PICTURE_FILE.test(file));
  return new Map(files.map((file) => [file.slice(0, file.lastIndexOf(".")), file]));
}

function doubled(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}
