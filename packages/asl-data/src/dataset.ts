import { DatasetError } from "./errors.js";

/** A picture and the classes that it shows. */
export interface DatasetItem {
  /** What reports and errors call it, usually the file name. */
  readonly name: string;
  /** Path of the picture file. */
  readonly file: string;
  /** Indices into the dataset's `classes`, each at most once: target 1. */
  readonly labels: readonly number[];
  /** Classes that nobody looked for, or where it cannot be said: target -1. The others are not there: target 0. */
  readonly unannotated?: readonly number[];
  /**
   * Given where only a few classes were looked for: those that are not there, target 0. All that are neither here nor in
   * `labels` are unannotated, target -1. Not together with `unannotated`.
   */
  readonly negatives?: readonly number[];
}

/** Items by index. An array is one; datasets of millions of pictures keep theirs in flat arrays. */
export interface DatasetItems extends Iterable<DatasetItem> {
  readonly length: number;
  at(index: number): DatasetItem | undefined;
}

/** Pictures with labels: all that a loader needs. */
export interface Dataset {
  readonly classes: readonly string[];
  readonly items: DatasetItems;
}

/** Writes the targets of one row, f32[classes] from `start` on: 1 there, 0 not there, -1 not annotated. */
export function writeTargets(item: DatasetItem, targets: Float32Array, start: number, classes: number): void {
  const { labels, unannotated, negatives } = item;
  targets.fill(negatives === undefined ? 0 : -1, start, start + classes);
  for (const label of negatives ?? []) targets[start + label] = 0;
  for (const label of unannotated ?? []) targets[start + label] = -1;
  for (const label of labels) targets[start + label] = 1;
}

/** Whether a target of the item is -1. */
export function isPartial({ labels, unannotated, negatives }: DatasetItem, classes: number): boolean {
  if (negatives !== undefined) return labels.length + negatives.length < classes;
  return unannotated !== undefined && unannotated.length > 0;
}

/** Throws DatasetError when there is nothing to load, or a label is not the index of a class or is there twice. */
export function checkDataset(dataset: Dataset): void {
  const classCount = dataset.classes.length;
  if (classCount === 0) throw new DatasetError("dataset: it has no classes; at least one is needed");
  if (dataset.items.length === 0) throw new DatasetError("dataset: it has no pictures; at least one is needed");
  /** By class, the item that listed it last. */
  const listedBy = new Int32Array(classCount).fill(-1);
  let index = -1;
  for (const { name, labels, negatives, unannotated } of dataset.items) {
    index++;
    const where = () => `dataset: items[${index}] (${name})`;
    if (negatives !== undefined && unannotated !== undefined) {
      throw new DatasetError(`${where()} has both "negatives" and "unannotated"; one of them says all`);
    }
    for (const label of [labels, negatives ?? unannotated ?? []].flat()) {
      if (!Number.isInteger(label) || label < 0 || label >= classCount) {
        throw new DatasetError(`${where()} has label ${label}; expected an index in 0 .. ${classCount - 1}`);
      }
      if (listedBy[label] === index) {
        throw new DatasetError(`${where()} lists class ${label} twice; a class is there, not there or not annotated`);
      }
      listedBy[label] = index;
    }
  }
}
