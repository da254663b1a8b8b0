import { join } from "node:path";
import type { Dataset } from "../dataset.js";
import { DatasetError } from "../errors.js";
import { GrowingUint32 } from "../growing-array.js";
import { ItemPacker, PackedItemList } from "../packed-items.js";
import { classTable, UnknownLabels } from "./class-table.js";
import { type CsvRow, readCsvBatches } from "./csv-rows.js";
import { ImageIds } from "./image-ids.js";
import { LISTED, shown } from "./listing.js";
import { classNamesOf, readClassDescriptions, readTrainableClasses } from "./open-images-classes.js";
import type { DatasetOptions } from "./options.js";
import { listPictures, reportMissing } from "./pictures.js";

export interface OpenImagesOptions extends DatasetOptions {
  /** Human-verified labels of a split: oidv6-train-annotations-human-imagelabels.csv. */
  readonly labels: string;
  /** oidv6-class-descriptions.csv. */
  readonly descriptions: string;
  /** oidv6-classes-trainable.txt. Default: every class that is described. */
  readonly trainable?: string;
  /** Holds IMAGEID.jpg. */
  readonly pictures: string;
  /** Told of the rows read so far. */
  readonly onProgress?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

const EXPECTED = "Open Images' image-level labels, rows of ImageID,Source,LabelName,Confidence";

/** Flat columns of the rows: picture, and 2 * class + (1 when it is there). */
interface Rows {
  readonly ids: ImageIds;
  readonly pictures: GrowingUint32;
  readonly verdicts: GrowingUint32;
}

/**
 * Opens Open Images (version 6, as the others since 4) with its human-verified image-level labels: confidence 1 is
 * there, 0 is not there; a class without a row for a picture was not verified, target -1. Rows with a confidence
 * between (a machine's guess) say nothing. Where rows contradict each other, the class is there. Rows of classes
 * that are not trainable are left out. The rows, in any order, are read as a stream and kept in flat arrays: 8 bytes
 * each while reading. Throws DatasetError.
 */
export async function openOpenImages(options: OpenImagesOptions): Promise<Dataset> {
  const descriptions = await readClassDescriptions(options.descriptions);
  const labelNames =
    options.trainable === undefined ? [...descriptions.keys()] : await readTrainableClasses(options.trainable);
  const names = classNamesOf(labelNames, descriptions);
  const { classes, indexOf } = classTable(names, options, options.trainable ?? options.descriptions);
  const classOf = new Map(labelNames.map((label, index) => [label, indexOf(names[index]!)]));
  const nameOf = new Map(labelNames.map((label, index) => [label, names[index]!]));

  const rows: Rows = { ids: new ImageIds(), pictures: new GrowingUint32(), verdicts: new GrowingUint32() };
  const unknown = new UnknownLabels(options.labels);
  let count = 0;
  for await (const batch of readCsvBatches(options.labels, EXPECTED)) {
    options.signal?.throwIfAborted();
    for (const row of batch) {
      if (row.line === 1 && row.cells[0] === "ImageID") continue;
      const { id, label, confidence } = parseRow(row, options.labels);
      const picture = rows.ids.numberOf(id);
      if (picture === undefined) throw wrongRow(options.labels, row, "an image id of 16 hexadecimal digits");
      count++;
      const index = classOf.get(label);
      if (index === undefined) {
        // not trainable, or of a class that is not among the given ones
        if (confidence === 1 && nameOf.has(label)) unknown.add(`"${nameOf.get(label)}" (line ${row.line})`);
        continue;
      }
      if (confidence !== 0 && confidence !== 1) continue;
      rows.pictures.push(picture);
      rows.verdicts.push(2 * index + confidence);
    }
    options.onProgress?.(count);
  }
  unknown.check(classes);
  if (rows.ids.count === 0)
    throw new DatasetError(`${options.labels}: nothing to load: it has no rows. Expected ${EXPECTED}.`);
  return { classes, items: await itemsOf(rows, classes.length, options) };
}

function parseRow(row: CsvRow, file: string): { id: string; label: string; confidence: number } {
  const [id, , label, confidence] = row.cells;
  const value = confidence === undefined || confidence === "" ? Number.NaN : Number(confidence);
  if (id === undefined || label === undefined || !(value >= 0 && value <= 1)) {
    throw wrongRow(file, row, "an image id, source, label name and confidence from 0 to 1");
  }
  return { id, label, confidence: value };
}

const wrongRow = (file: string, { line, cells }: CsvRow, expected: string) =>
  new DatasetError(
    `${file}: line ${line}: must have ${expected}; found ${shown(cells.join(","))}. Expected ${EXPECTED}.`,
  );

/** Groups the rows by picture (a counting sort) and packs the pictures that are there. */
async function itemsOf(rows: Rows, classes: number, options: OpenImagesOptions): Promise<PackedItemList> {
  const { ids } = rows;
  const { starts, sorted } = groupByPicture(rows);
  const listing = await listPictures(options.pictures, options.labels);
  const packer = new ItemPacker(classes, options.pictures);
  const missing: string[] = [];
  let missingCount = 0;
  for (let picture = 0; picture < ids.count; picture++) {
    const name = `${ids.idOf(picture)}.jpg`;
    if (!listing.has(name)) {
      missingCount++;
      if (missing.length < LISTED) missing.push(name);
      continue;
    }
    const verdicts = sorted.subarray(starts[picture], starts[picture + 1]);
    const { labels, negatives } = verdictsOf(verdicts);
    if (options.dropUnannotated === true && labels.length === 0) continue;
    packer.add({ name, file: join(options.pictures, name), labels, negatives });
  }
  const { pictures: folder, labels: source } = options;
  reportMissing({ missing, count: missingCount, total: ids.count, folder, source }, options);
  return new PackedItemList(packer.finish());
}

/** The verdicts of picture i are sorted[starts[i]] .. sorted[starts[i + 1] - 1]. */
function groupByPicture({ ids, pictures, verdicts }: Rows): { starts: Uint32Array; sorted: Uint32Array } {
  const starts = new Uint32Array(ids.count + 1);
  for (const picture of pictures.view()) starts[picture + 1]!++;
  for (let picture = 0; picture < ids.count; picture++) starts[picture + 1]! += starts[picture]!;
  const next = starts.slice();
  const sorted = new Uint32Array(verdicts.length);
  const values = verdicts.view();
  pictures.view().forEach((picture, row) => {
    sorted[next[picture]!++] = values[row]!;
  });
  return { starts, sorted };
}

function verdictsOf(verdicts: Uint32Array): { labels: number[]; negatives: number[] } {
  const there = new Map<number, boolean>();
  for (const verdict of verdicts) {
    const label = verdict >>> 1;
    there.set(label, there.get(label) === true || verdict % 2 === 1);
  }
  const inOrder = [...there].sort(([a], [b]) => a - b);
  return {
    labels: inOrder.filter(([, positive]) => positive).map(([label]) => label),
    negatives: inOrder.filter(([, positive]) => !positive).map(([label]) => label),
  };
}
