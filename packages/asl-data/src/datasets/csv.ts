import { dirname, join } from "node:path";
import type { Dataset, DatasetItem } from "../dataset.js";
import { DatasetError } from "../errors.js";
import { classTable, UnknownLabels } from "./class-table.js";
import { type CsvRow, readCsv } from "./csv-rows.js";
import { shown } from "./listing.js";
import type { DatasetOptions } from "./options.js";
import { withPictures } from "./pictures.js";

export interface CsvOptions extends DatasetOptions {
  readonly file: string;
  /** The folder that paths are relative to. Default: that of the file. */
  readonly pictures?: string;
  /** Between labels. Default "|". */
  readonly separator?: string;
  /** Only the rows of this split; the file needs a header with a column "split". */
  readonly split?: string;
}

const EXPECTED = 'a CSV file of rows "path,label|label", with or without a header';
const PATH_HEADERS = ["path", "file", "filename", "file_name", "filepath", "image", "picture", "name"];
const LABEL_HEADERS = ["labels", "label", "classes", "class", "tags", "categories"];
const SPLIT_HEADERS = ["split", "set", "subset", "split_name"];

interface Columns {
  readonly path: number;
  readonly labels: number;
  readonly split: number | undefined;
}

/**
 * Opens a CSV file with a row per picture: its path, and its labels between "|" (none: an empty cell). A first row whose
 * cells are "path" (or "file", "image", ...) and "labels" (or "tags", "classes", ...) is a header, gives the order of
 * the columns, and may name a column "split". Classes come in the order of their names. Throws DatasetError with the
 * line of what is wrong.
 */
export async function openCsv(options: CsvOptions): Promise<Dataset> {
  const { file, separator = "|", split, pictures = dirname(file) } = options;
  let columns: Columns | undefined;
  const rows: { line: number; path: string; labels: readonly string[] }[] = [];
  const lineOf = new Map<string, number>();
  const splits = new Set<string>();
  for await (const row of readCsv(file, EXPECTED)) {
    if (columns === undefined) {
      const header = headerOf(row);
      columns = header ?? { path: 0, labels: 1, split: undefined };
      if (split !== undefined && columns.split === undefined) throw noSplitColumn(file, split, row);
      if (header !== undefined) continue;
    }
    const path = row.cells[columns.path] ?? "";
    const labels = row.cells[columns.labels];
    if (path === "" || labels === undefined) {
      throw new DatasetError(
        `${file}: line ${row.line}: must have a path and labels (empty when there are none); found ` +
          `${shown(row.cells.join(","))}. Expected ${EXPECTED}.`,
      );
    }
    if (columns.split !== undefined) {
      const own = row.cells[columns.split] ?? "";
      splits.add(own);
      if (split !== undefined && own !== split) continue;
    }
    const first = lineOf.get(path);
    if (first !== undefined) {
      throw new DatasetError(
        `${file}: line ${row.line}: "${path}" is there already on line ${first}. Write all labels of a picture in one row.`,
      );
    }
    lineOf.set(path, row.line);
    rows.push({ line: row.line, path, labels: labelsOf(labels, separator) });
  }
  if (rows.length === 0) {
    const why =
      splits.size > 0 ? `no row is of the split "${split}"; it has ${[...splits].sort().join(", ")}` : "it is empty";
    throw new DatasetError(`${file}: nothing to load: ${why}. Expected ${EXPECTED}.`);
  }

  const own = [...new Set(rows.flatMap(({ labels }) => labels))].sort();
  const { classes, indexOf } = classTable(own, options, file);
  const unknown = new UnknownLabels(file);
  const items = rows.map(({ line, path, labels }): DatasetItem => {
    const indices = new Set<number>();
    for (const name of labels) {
      const label = indexOf(name);
      if (label === undefined) unknown.add(`"${name}" (line ${line})`);
      else indices.add(label);
    }
    return { name: path, file: join(pictures, path), labels: [...indices].sort((a, b) => a - b) };
  });
  unknown.check(classes);
  const kept = options.dropUnannotated === true ? items.filter(({ labels }) => labels.length > 0) : items;
  return { classes, items: await withPictures(kept, { folder: pictures, source: file }, options) };
}

/** The splits that a CSV file names, in the order of their first rows; none without such a column. */
export async function csvSplits(file: string): Promise<readonly string[]> {
  const splits = new Set<string>();
  let column: number | undefined;
  for await (const row of readCsv(file, EXPECTED)) {
    if (column === undefined) {
      column = headerOf(row)?.split;
      if (column === undefined) return [];
    } else splits.add(row.cells[column] ?? "");
  }
  return [...splits].filter((name) => name !== "");
}

function headerOf({ cells }: CsvRow): Columns | undefined {
  const names = cells.map((cell) => cell.toLowerCase());
  const find = (known: readonly string[]) => names.findIndex((name) => known.includes(name));
  const [path, labels, split] = [find(PATH_HEADERS), find(LABEL_HEADERS), find(SPLIT_HEADERS)];
  if (path === -1 || labels === -1) return undefined;
  return { path, labels, split: split === -1 ? undefined : split };
}

const labelsOf = (cell: string, separator: string) =>
  cell
    .split(separator)
    .map((label) => label.trim())
    .filter((label) => label !== "");

const noSplitColumn = (file: string, split: string, { cells }: CsvRow) =>
  new DatasetError(
    `${file}: line 1: must be a header with a column "split", as the split "${split}" is asked for; found ` +
      `${shown(cells.join(","))}. Add the header "path,labels,split", or leave the split out.`,
  );
