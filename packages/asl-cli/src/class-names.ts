import { InputError } from "asl-core";
import { emojiClassNames } from "asl-data";
import { readTextFile } from "./text-file.js";

/** COCO's 80 class names in the order of their category ids. */
export const COCO_CLASSES: readonly string[] = emojiClassNames(80);

/**
 * Class names from a file: a JSON array of strings, or one name per line (empty lines are left out).
 * Throws InputError for a file without names, with a name twice, or with other JSON.
 */
export async function readClassNames(file: string): Promise<readonly string[]> {
  const text = await readTextFile(file);
  const names = text.trimStart().startsWith("[") ? namesOfJson(file, text) : namesOfLines(text);
  if (names.length === 0) throw new InputError(`${file}: holds no class names; expected one per line, or a JSON array`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new InputError(`${file}: the class "${twice}" is there twice; names must differ`);
  return names;
}

const namesOfLines = (text: string) =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");

function namesOfJson(file: string, text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: begins as a JSON array but is no JSON`, { cause: error });
  }
  if (Array.isArray(value) && value.every((name): name is string => typeof name === "string")) return value;
  throw new InputError(`${file}: expected a JSON array of class names (strings)`);
}

export interface NamedClasses {
  readonly names: readonly string[];
  readonly from: "given" | "checkpoint" | "coco" | "numbered";
}

/** The class names of a model: given ones, else the checkpoint's, else COCO's for 80 classes, else "class 0", ... */
export function nameClasses(
  count: number,
  { file, given, stored }: { file: string; given?: readonly string[] | undefined; stored: readonly string[] | null },
): NamedClasses {
  const fitting = (names: readonly string[], what: string) => {
    if (names.length === count) return names;
    throw new InputError(`${file}: the model has ${count} classes, but ${what} has ${names.length} class names`);
  };
  if (given !== undefined) return { names: fitting(given, "the given list"), from: "given" };
  if (stored !== null) return { names: fitting(stored, "the checkpoint"), from: "checkpoint" };
  if (count === COCO_CLASSES.length) return { names: COCO_CLASSES, from: "coco" };
  return { names: Array.from({ length: count }, (_, index) => `class ${index}`), from: "numbered" };
}
