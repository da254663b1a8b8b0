import { DatasetError, messageOf } from "../errors.js";
import { readText } from "./files.js";
import { shown } from "./listing.js";

/** An object of a PASCAL-VOC annotation file. */
export interface VocObject {
  readonly name: string;
  /** Marked as hard to recognise; the VOC evaluation does not count it. */
  readonly difficult: boolean;
}

const EXPECTED = "a PASCAL-VOC annotation XML file";

/** Loaded for the first file: most commands read none. Names stay text ("007"), and a single object is a list of one. */
async function xml() {
  const { XMLParser, XMLValidator } = await import("fast-xml-parser");
  return {
    parser: new XMLParser({ parseTagValue: false, isArray: (name) => name === "object" }),
    validator: XMLValidator,
  };
}

/** The objects of an annotation file: `annotation/object/{name,difficult}`. Throws DatasetError. */
export async function readVocObjects(file: string): Promise<readonly VocObject[]> {
  const text = await readText(file, EXPECTED);
  const annotation = field(await parsed(text, file), "annotation");
  if (annotation === undefined) {
    throw new DatasetError(`${file}: the outermost element must be <annotation>. Expected ${EXPECTED}.`);
  }
  const objects = field(annotation, "object");
  if (!Array.isArray(objects)) return [];
  return objects.map((object: unknown, index) => {
    const wrong = (what: string, expected: string, found: unknown) =>
      new DatasetError(
        `${file}: <${what}> of object ${index + 1} must be ${expected}; found ${shown(found)}. Expected ${EXPECTED}.`,
      );
    const name = field(object, "name");
    if (typeof name !== "string" || name === "") throw wrong("name", "the name of a class", name);
    const difficult = field(object, "difficult") ?? "0";
    if (difficult !== "0" && difficult !== "1") throw wrong("difficult", "0 or 1", difficult);
    return { name, difficult: difficult === "1" };
  });
}

async function parsed(text: string, file: string): Promise<unknown> {
  const { parser, validator } = await xml();
  const valid = validator.validate(text);
  if (valid !== true) {
    const { line, col, msg } = valid.err;
    // the validator knows no column of a text without a tag
    const place = Number.isInteger(col) ? `line ${line}, column ${col}` : `line ${line}`;
    throw new DatasetError(`${file}: ${place}: not valid XML (${msg}). Expected ${EXPECTED}.`);
  }
  try {
    return parser.parse(text) as unknown;
  } catch (thrown) {
    // what is valid may still be too much: tags in tags without end, names that JavaScript reserves
    throw new DatasetError(`${file}: cannot be read as XML (${messageOf(thrown)}). Expected ${EXPECTED}.`, {
      cause: thrown,
    });
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
