import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import { type CocoInstances, parseCocoInstances } from "./coco-format.js";
import type { Dataset, DatasetItem } from "./dataset.js";
import { DatasetError, messageOf, systemCodeOf } from "./errors.js";

export interface CocoOptions {
  /** The folder that `file_name` is relative to. */
  readonly pictures: string;
  /** The instances JSON. */
  readonly annotations: string;
  /**
   * Leave out pictures without any annotation, as the official ASL loader does.
   * Default false: they are kept, every class negative.
   */
  readonly dropUnannotated?: boolean;
  /**
   * The classes and their order, for example a checkpoint's; categories are matched by name, and an annotation of any
   * other category is an error. Default: the file's categories in the order of their ids.
   */
  readonly classes?: readonly string[];
}

export interface CocoItem extends DatasetItem {
  /** The image id of the annotation file. */
  readonly id: number;
}

export interface CocoDataset extends Dataset {
  readonly items: readonly CocoItem[];
  /** The category id of each class; undefined for a class of `CocoOptions.classes` that the file does not have. */
  readonly categoryIds: readonly (number | undefined)[];
}

/** How many offenders an error lists. */
const LISTED = 5;

/**
 * Opens a dataset in COCO's instances format. Only what classification needs is read and checked: `images[].id`,
 * `images[].file_name`, `categories[].id`, `categories[].name`, `annotations[].image_id`, `annotations[].category_id`;
 * crowd annotations count as any other. Items come in the order of `images`.
 * Throws DatasetError: unreadable or wrong JSON, missing keys, unknown or doubled ids, missing pictures.
 */
export async function openCoco(options: CocoOptions): Promise<CocoDataset> {
  const { annotations: file, pictures, dropUnannotated = false } = options;
  const instances = parseCocoInstances(await readJson(file), file);
  const { classes, categoryIds, classOf } = classesOf(instances, options.classes, file);

  const labels = new Map<number, Set<number>>(instances.images.map(({ id }) => [id, new Set<number>()]));
  const unknownImages: string[] = [];
  const unknownCategories: string[] = [];
  instances.annotations.forEach(({ image_id, category_id }, index) => {
    const found = labels.get(image_id);
    const label = classOf.get(category_id);
    if (found === undefined) unknownImages.push(`annotations[${index}].image_id = ${image_id}`);
    else if (label === undefined) unknownCategories.push(`annotations[${index}].category_id = ${category_id}`);
    else found.add(label);
  });
  if (unknownCategories.length > 0) {
    const known = options.classes === undefined ? `the file's ${categoryIds.length} "categories"` : "the given classes";
    throw new DatasetError(
      `${file}: ${unknownCategories.length} annotations name a category that is not among ${known}: ` +
        `${listed(unknownCategories)}. Add the category or remove the annotations.`,
    );
  }
  if (unknownImages.length > 0) {
    throw new DatasetError(
      `${file}: ${unknownImages.length} annotations name an image id that is not in "images": ${listed(unknownImages)}. ` +
        "Add the images or remove the annotations.",
    );
  }

  const items: CocoItem[] = [];
  for (const { id, file_name } of instances.images) {
    const found = labels.get(id)!;
    if (dropUnannotated && found.size === 0) continue;
    items.push({ id, name: file_name, file: join(pictures, file_name), labels: [...found].sort((a, b) => a - b) });
  }
  if (items.length === 0) {
    const why = instances.images.length === 0 ? '"images" is empty' : "no picture has an annotation";
    throw new DatasetError(`${file}: nothing to load: ${why}.`);
  }
  await checkPictures(items, pictures, file);
  return { classes, items, categoryIds };
}

function classesOf(instances: CocoInstances, wanted: readonly string[] | undefined, file: string) {
  const categories = [...instances.categories].sort((a, b) => a.id - b.id);
  const classes = wanted ?? categories.map(({ name }) => name);
  if (classes.length === 0) throw new DatasetError(`${file}: "categories" is empty; at least one is needed.`);
  const indexOf = new Map(classes.map((name, index) => [name, index]));
  if (indexOf.size !== classes.length) {
    const doubled = classes.find((name, index) => classes.indexOf(name) !== index);
    throw new DatasetError(`${file}: the class "${doubled}" is there twice; names must differ.`);
  }
  const classOf = new Map<number, number>();
  const categoryIds = new Array<number | undefined>(classes.length).fill(undefined);
  for (const { id, name } of categories) {
    const index = indexOf.get(name);
    if (index === undefined) continue;
    classOf.set(id, index);
    categoryIds[index] = id;
  }
  if (classOf.size === 0) {
    throw new DatasetError(
      `${file}: none of its ${categories.length} categories (${listed(categories.map(({ name }) => name))}) is among the ` +
        `${classes.length} given classes (${listed(classes)}). Are these annotations for another dataset?`,
    );
  }
  return { classes, categoryIds, classOf };
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (thrown) {
    const why = systemCodeOf(thrown) === "ENOENT" ? "no such file" : `cannot be read: ${messageOf(thrown)}`;
    throw new DatasetError(`${file}: ${why}. Expected a COCO instances JSON file.`, { cause: thrown });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new DatasetError(`${file}: not valid JSON (${messageOf(thrown)}). Expected a COCO instances JSON file.`, {
      cause: thrown,
    });
  }
}

/** One listing of the folder is much faster than asking for every file; only what it lacks is asked for by name. */
async function checkPictures(items: readonly CocoItem[], folder: string, annotations: string): Promise<void> {
  let listing: Set<string>;
  try {
    listing = new Set(await readdir(folder, { recursive: true }));
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    const why = code === "ENOENT" ? "no such folder" : code === "ENOTDIR" ? "this is not a folder" : messageOf(thrown);
    throw new DatasetError(`${folder}: ${why}. Name the folder of the pictures in ${annotations}.`, { cause: thrown });
  }
  const missing: string[] = [];
  for (const { name, file } of items) {
    const path = normalize(name);
    if (isAbsolute(path) || path === ".." || path.startsWith(`..${sep}`)) {
      throw new DatasetError(
        `${annotations}: file_name "${name}" leaves the folder ${folder}; it must be a path in it.`,
      );
    }
    if (!listing.has(path) && !(await exists(file))) missing.push(name);
  }
  if (missing.length > 0) {
    throw new DatasetError(
      `${folder}: ${missing.length} of ${items.length} pictures named in ${annotations} are missing: ` +
        `${listed(missing)}. Is this the right folder? If so, add them or remove them from the annotations.`,
    );
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

function listed(values: readonly string[]): string {
  const rest = values.length - LISTED;
  return values.slice(0, LISTED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
