import { DatasetError } from "../errors.js";
import { readCsv } from "./csv-rows.js";
import { readLines } from "./files.js";
import { shown } from "./listing.js";

const EXPECTED = "Open Images' class descriptions, rows of LabelName,DisplayName";

/** Display names by label name ("/m/05r655" -> "Girl"), in the order of the file; a header is optional. */
export async function readClassDescriptions(file: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for await (const { line, cells } of readCsv(file, EXPECTED)) {
    const [label, name] = cells;
    if (line === 1 && label === "LabelName") continue;
    if (label === undefined || !isLabelName(label) || name === undefined || name === "") {
      throw new DatasetError(
        `${file}: line ${line}: must be a label name such as /m/05r655 and its display name; found ` +
          `${shown(cells.join(","))}. Expected ${EXPECTED}.`,
      );
    }
    names.set(label, name);
  }
  if (names.size === 0) throw new DatasetError(`${file}: it has no classes. Expected ${EXPECTED}.`);
  return names;
}

/** The label names of the trainable classes (9,605 in version 6), one on a line. */
export async function readTrainableClasses(file: string): Promise<readonly string[]> {
  const lines = await readLines(file, "a list of label names such as /m/05r655, one on a line");
  return lines.map(({ number, text }) => {
    const label = text.split(",")[0]!;
    if (isLabelName(label)) return label;
    throw new DatasetError(`${file}: line ${number}: must be a label name such as /m/05r655; found ${shown(text)}.`);
  });
}

export const isLabelName = (text: string) => /^\/[a-z]\/\S+$/.test(text);

/** What each label name is called: its display name; where several share one, with the label name: "Bat (/m/01h44)". */
export function classNamesOf(labels: readonly string[], descriptions: ReadonlyMap<string, string>): readonly string[] {
  const plain = labels.map((label) => descriptions.get(label) ?? label);
  const count = new Map<string, number>();
  for (const name of plain) count.set(name, (count.get(name) ?? 0) + 1);
  return plain.map((name, index) => (count.get(name) === 1 ? name : `${name} (${labels[index]})`));
}
