import { DatasetError } from "./errors.js";

/** A picture and the classes that it shows. */
export interface DatasetItem {
  /** What reports and errors call it, usually the file name. */
  readonly name: string;
  /** Path of the picture file. */
  readonly file: string;
  /** Indices into the dataset's `classes`, each at most once. */
  readonly labels: readonly number[];
}

/** Pictures with labels: all that a loader needs. */
export interface Dataset {
  readonly classes: readonly string[];
  readonly items: readonly DatasetItem[];
}

/** Throws DatasetError when there is nothing to load or a label is not the index of a class. */
export function checkDataset(dataset: Dataset): void {
  const classCount = dataset.classes.length;
  if (classCount === 0) throw new DatasetError("dataset: it has no classes; at least one is needed");
  if (dataset.items.length === 0) throw new DatasetError("dataset: it has no pictures; at least one is needed");
  dataset.items.forEach((item, index) => {
    for (const label of item.labels) {
      if (!Number.isInteger(label) || label < 0 || label >= classCount) {
        throw new DatasetError(
          `dataset: items[${index}] (${item.name}) has label ${label}; expected an index in 0 .. ${classCount - 1}`,
        );
      }
    }
  });
}
