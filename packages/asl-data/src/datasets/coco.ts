import { join } from "node:path";
import type { Dataset, DatasetItem } from "../dataset.js";
import { DatasetError, messageOf } from "../errors.js";
import { classTable } from "./class-table.js";
import { type CocoInstances, parseCocoInstances } from "./coco-format.js";
import { readText } from "./files.js";
import { listed } from "./listing.js";
import type { DatasetOptions } from "./options.js";
import { withPictures } from "./pictures.js";

export interface CocoOptions extends DatasetOptions {
  /** The folder that `file_name` is relative to. */
  readonly pictures: string;
  /** The instances JSON. */
  readonly annotations: string;
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

const EXPECTED = "a COCO instances JSON file";

/**
 * Opens a dataset in COCO's instances format. Only what classification needs is read and checked: `images[].id`,
 * `images[].file_name`, `categories[].id`, `categories[].name`, `annotations[].image_id`, `annotations[].category_id`;
 * crowd annotations count as any other. Items come in the order of `images`, classes in the order of their ids.
 * Throws DatasetError: unreadable or wrong JSON, missing keys, unknown or doubled ids, missing pictures.
 */
export async function openCoco(options: CocoOptions): Promise<CocoDataset> {
  const { annotations: file, pictures, dropUnannotated = false } = options;
  const instances = parseCocoInstances(await readJson(file), file);
  const { classes, categoryIds, classOf } = classesOf(instances, options);

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
  const there = await withPictures(items, { folder: pictures, source: file }, options);
  return { classes, items: there, categoryIds };
}

function classesOf(instances: CocoInstances, options: CocoOptions) {
  const file = options.annotations;
  const categories = [...instances.categories].sort((a, b) => a.id - b.id);
  const names = categories.map(({ name }) => name);
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined) {
    throw new DatasetError(`${file}: the class "${doubled}" is there twice; names must differ.`);
  }
  if (names.length === 0) throw new DatasetError(`${file}: "categories" is empty; at least one is needed.`);
  const { classes, indexOf } = classTable(names, options, file);
  const classOf = new Map<number, number>();
  const categoryIds = new Array<number | undefined>(classes.length).fill(undefined);
  for (const { id, name } of categories) {
    const index = indexOf(name);
    if (index === undefined) continue;
    classOf.set(id, index);
    categoryIds[index] ??= id;
  }
  return { classes, categoryIds, classOf };
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file, EXPECTED);
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new DatasetError(`${file}: not valid JSON (${messageOf(thrown)}). Expected ${EXPECTED}.`, { cause: thrown });
  }
}
