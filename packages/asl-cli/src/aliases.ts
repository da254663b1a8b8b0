import { InputError } from "asl-core";
import { VOC_COCO } from "./dataset-sources.js";
import { readTextFile } from "./text-file.js";

/** PASCAL-VOC's class names that COCO writes otherwise. */
export const VOC_TO_COCO: Readonly<Record<string, string>> = {
  aeroplane: "airplane",
  diningtable: "dining table",
  motorbike: "motorcycle",
  pottedplant: "potted plant",
  sofa: "couch",
  tvmonitor: "tv",
};

const FORMS = 'a JSON object { "name": "canonical name" }, or lines "name = canonical name"';

/** Other names of classes from a file, or the built-in ones. Throws InputError with the line of what is wrong. */
export async function readAliases(file: string | undefined): Promise<Readonly<Record<string, string>> | undefined> {
  if (file === undefined) return undefined;
  if (file === VOC_COCO) return VOC_TO_COCO;
  const text = await readTextFile(file);
  const pairs = text.trimStart().startsWith("{") ? pairsOfJson(file, text) : pairsOfLines(file, text);
  const aliases = new Map<string, string>();
  for (const { name, canonical, where } of pairs) {
    const before = aliases.get(name);
    if (before !== undefined && before !== canonical) {
      throw new InputError(
        `${file}${where}: "${name}" is called "${canonical}" here and "${before}" before; one name is needed`,
      );
    }
    aliases.set(name, canonical);
  }
  if (aliases.size === 0) throw new InputError(`${file}: holds no aliases; expected ${FORMS}`);
  for (const [name, canonical] of aliases) {
    if (aliases.has(canonical) && aliases.get(canonical) !== canonical) {
      throw new InputError(`${file}: "${name}" = "${canonical}", which is an alias itself; name the canonical class`);
    }
  }
  return Object.fromEntries(aliases);
}

interface Pair {
  readonly name: string;
  readonly canonical: string;
  readonly where: string;
}

function pairsOfLines(file: string, text: string): readonly Pair[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return [];
    const where = `: line ${index + 1}`;
    const [name, canonical, ...more] = line.split("=").map((part) => part.trim());
    if (name && canonical && more.length === 0) return [{ name, canonical, where }];
    throw new InputError(`${file}${where}: expected "name = canonical name"; found "${line.trim()}"`);
  });
}

function pairsOfJson(file: string, text: string): readonly Pair[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: begins as a JSON object but is no JSON; expected ${FORMS}`, { cause: error });
  }
  return Object.entries(value as object).map(([name, canonical]) => {
    if (typeof canonical === "string" && canonical !== "") return { name, canonical, where: "" };
    throw new InputError(
      `${file}: "${name}" must be a class name; found ${JSON.stringify(canonical)}. Expected ${FORMS}`,
    );
  });
}
