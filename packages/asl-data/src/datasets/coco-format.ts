import { DatasetError } from "../errors.js";

/** The parts of a COCO instances file that classification reads, under their names in the file. */
export interface CocoInstances {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly annotations: readonly { readonly image_id: number; readonly category_id: number }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

type Entry = Readonly<Record<string, unknown>>;

/** Checks the shape of a parsed instances file. Throws DatasetError with the path of the first thing that is wrong. */
export function parseCocoInstances(json: unknown, file: string): CocoInstances {
  if (!isEntry(json)) throw wrong(file, "the file", 'an object with "images", "annotations" and "categories"', json);
  const images = entries(json, "images", file).map((entry, index) => ({
    id: integer(entry, "id", `images[${index}]`, file),
    file_name: text(entry, "file_name", `images[${index}]`, file),
  }));
  const categories = entries(json, "categories", file).map((entry, index) => ({
    id: integer(entry, "id", `categories[${index}]`, file),
    name: text(entry, "name", `categories[${index}]`, file),
  }));
  const annotations = entries(json, "annotations", file).map((entry, index) => ({
    image_id: integer(entry, "image_id", `annotations[${index}]`, file),
    category_id: integer(entry, "category_id", `annotations[${index}]`, file),
  }));
  refuseDoubled(images, "images", file);
  refuseDoubled(categories, "categories", file);
  return { images, annotations, categories };
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function entries(json: Entry, key: string, file: string): readonly Entry[] {
  const value = json[key];
  if (!Array.isArray(value)) throw wrong(file, `"${key}"`, "an array", value);
  return value.map((entry: unknown, index) => {
    if (!isEntry(entry)) throw wrong(file, `${key}[${index}]`, "an object", entry);
    return entry;
  });
}

function integer(entry: Entry, key: string, path: string, file: string): number {
  const value = entry[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw wrong(file, `${path}.${key}`, "an integer", value);
  }
  return value;
}

function text(entry: Entry, key: string, path: string, file: string): string {
  const value = entry[key];
  if (typeof value !== "string" || value === "") throw wrong(file, `${path}.${key}`, "a non-empty string", value);
  return value;
}

function refuseDoubled(values: readonly { readonly id: number }[], key: string, file: string): void {
  const firstAt = new Map<number, number>();
  values.forEach(({ id }, index) => {
    const first = firstAt.get(id);
    if (first !== undefined) {
      throw new DatasetError(
        `${file}: ${key}[${index}].id = ${id} is also the id of ${key}[${first}]; ids must differ.`,
      );
    }
    firstAt.set(id, index);
  });
}

function wrong(file: string, path: string, expected: string, found: unknown): DatasetError {
  const shown = found === undefined ? "nothing" : (JSON.stringify(found) ?? String(found));
  const short = shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
  return new DatasetError(`${file}: ${path} must be ${expected}; found ${short}. Expected a COCO instances JSON file.`);
}
