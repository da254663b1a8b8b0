import { createReadStream } from "node:fs";
import { PredictionsError } from "../errors.js";
import type { TargetColumns } from "./targets.js";

export interface SparseTargetsOptions {
  readonly rows: number;
  readonly classNames: readonly string[];
  /** Name of each row, for files that name pictures instead of numbering rows. */
  readonly pictures?: readonly string[];
  /**
   * What a pair says that the file does not list. Default: "unannotated" where the file has a column of targets, as in
   * Open Images; else "negative".
   */
  readonly unlisted?: "negative" | "unannotated";
}

const PICTURE_COLUMNS = ["row", "ImageID", "picture", "image", "path"] as const;
const CLASS_COLUMNS = ["class", "LabelName", "label"] as const;
const TARGET_COLUMNS = ["target", "Confidence"] as const;

interface Columns {
  readonly picture: string;
  readonly label: string;
  readonly target: string | undefined;
}

/**
 * Targets from a CSV with one line per pair of picture and class: columns row (number from 0) or ImageID, class (name,
 * or number from 0) or LabelName, and, if given, target or Confidence (1, 0). Open Images' label files are read as they
 * are. Read as a stream; what is kept grows with the listed pairs alone (5 bytes each). A pair that is listed twice is
 * positive if one line says so.
 * @throws PredictionsError naming the line for an unknown picture or class or a target that is neither 1 nor 0
 */
export async function sparseTargets(file: string, options: SparseTargetsOptions): Promise<TargetColumns> {
  const { rows, classNames, pictures } = options;
  const lists = classNames.map(() => new PairList());
  const classOf = new Map(classNames.map((name, index) => [name, index]));
  const rowOf = pictures === undefined ? undefined : new Map(pictures.map((name, index) => [name, index]));
  let columns: Columns | undefined;
  let line = 1;
  const { parse } = await import("csv-parse");
  const parser = createReadStream(file).pipe(parse({ columns: true, bom: true, trim: true, skip_empty_lines: true }));
  try {
    for await (const record of parser as AsyncIterable<Readonly<Record<string, string>>>) {
      line++;
      columns ??= columnsOf(file, Object.keys(record));
      const row =
        rowOf === undefined ? numberBelow(record[columns.picture], rows) : rowOf.get(record[columns.picture]!);
      const label = classOf.get(record[columns.label]!) ?? numberBelow(record[columns.label], classNames.length);
      const target = columns.target === undefined ? 1 : Number(record[columns.target] || Number.NaN);
      if (row === undefined || row >= rows) {
        const expected = rowOf === undefined ? `a row from 0 to ${rows - 1}` : "a picture of the list";
        throw new PredictionsError(file, `line ${line}: "${record[columns.picture]}" is not ${expected}`);
      }
      if (label === undefined) {
        throw new PredictionsError(file, `line ${line}: no class is called "${record[columns.label]}"`);
      }
      if (target !== 0 && target !== 1) {
        throw new PredictionsError(
          file,
          `line ${line}: ${columns.target} should be 1 or 0; found "${record[columns.target!]}"`,
        );
      }
      lists[label]!.push(row, target);
    }
  } catch (error) {
    if (error instanceof PredictionsError || !(error instanceof Error)) throw error;
    throw new PredictionsError(file, `cannot be read as CSV: ${error.message}`, { cause: error });
  }
  const unlisted = options.unlisted ?? (columns?.target === undefined ? "negative" : "unannotated");
  return new SparseTargets(rows, lists, unlisted === "negative" ? 0 : -1);
}

function columnsOf(file: string, header: readonly string[]): Columns {
  const one = (names: readonly string[]) => names.find((name) => header.includes(name));
  const [picture, label] = [one(PICTURE_COLUMNS), one(CLASS_COLUMNS)];
  if (picture === undefined || label === undefined) {
    throw new PredictionsError(
      file,
      `expected a first line with one of the columns ${PICTURE_COLUMNS.join(", ")} and one of ${CLASS_COLUMNS.join(", ")}; ` +
        `found ${header.slice(0, 8).join(", ")}`,
    );
  }
  return { picture, label, target: one(TARGET_COLUMNS) };
}

function numberBelow(text: string | undefined, limit: number): number | undefined {
  return text !== undefined && /^\d+$/.test(text) && Number(text) < limit ? Number(text) : undefined;
}

/** Rows and targets of one class in arrays that double when they are full. */
class PairList {
  rows = new Uint32Array(4);
  targets = new Uint8Array(4);
  length = 0;

  push(row: number, target: number): void {
    if (this.length === this.rows.length) {
      const [rows, targets] = [new Uint32Array(2 * this.length), new Uint8Array(2 * this.length)];
      rows.set(this.rows);
      targets.set(this.targets);
      [this.rows, this.targets] = [rows, targets];
    }
    this.rows[this.length] = row;
    this.targets[this.length] = target;
    this.length++;
  }
}

class SparseTargets implements TargetColumns {
  readonly columnBytes = 0;
  readonly alignment = 1;
  #first = 0;

  constructor(
    readonly rows: number,
    private readonly lists: readonly PairList[],
    private readonly unlisted: 0 | -1,
  ) {}

  get classes() {
    return this.lists.length;
  }

  async load(first: number): Promise<void> {
    this.#first = first;
  }

  fill(offset: number, into: Int8Array): void {
    const { rows, targets, length } = this.lists[this.#first + offset]!;
    into.fill(this.unlisted);
    for (let i = 0; i < length; i++) into[rows[i]!] = Math.max(into[rows[i]!]!, targets[i]!);
  }

  [Symbol.dispose](): void {}
}
