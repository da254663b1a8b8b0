import { InputError } from "asl-core";
import type { Dataset } from "asl-data";
import type { OpenedModel } from "./open-model.js";

export interface AlignedDataset {
  readonly dataset: Dataset;
  /** What was done or assumed, one sentence each. */
  readonly notes: readonly string[];
}

const SHOWN = 3;

/**
 * A dataset with the classes of a model, in the model's order. The same names in another order are matched by name.
 * A model whose file names no classes must have as many as the dataset; then the dataset's names and order hold.
 * Throws InputError when the classes are not the same.
 */
export function alignClasses(
  dataset: Dataset,
  { file, classNames, classNamesFrom }: Pick<OpenedModel, "file" | "classNames" | "classNamesFrom">,
): AlignedDataset {
  const { classes } = dataset;
  if (classes.join("\n") === classNames.join("\n")) return { dataset, notes: [] };
  const indexOf = new Map(classNames.map((name, index) => [name, index]));
  const missing = classes.filter((name) => !indexOf.has(name));
  if (missing.length === 0 && classes.length === classNames.length) {
    return {
      dataset: relabelled(dataset, classNames, (label) => indexOf.get(classes[label]!)!),
      notes: [`the annotations have the classes of ${file} in another order; they are matched by name`],
    };
  }
  const guessed = classNamesFrom === "coco" || classNamesFrom === "numbered";
  if (guessed && classes.length === classNames.length) {
    return { dataset, notes: [`${file} names no classes; those of the annotations are taken, in their order`] };
  }
  if (guessed) {
    throw new InputError(`${file} has ${classNames.length} classes, the annotations have ${classes.length}`);
  }
  const absent = classNames.filter((name) => !classes.includes(name));
  throw new InputError(
    `${file} has ${classNames.length} classes, the annotations have ${classes.length}, and they are not the same: ` +
      [listed("only in the annotations", missing), listed("only in the model", absent)].filter(Boolean).join("; "),
  );
}

function relabelled(dataset: Dataset, classes: readonly string[], map: (label: number) => number): Dataset {
  return {
    classes,
    items: Array.from(dataset.items, (item) => ({ ...item, labels: item.labels.map(map).sort((a, b) => a - b) })),
  };
}

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const rest = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${what}: ${names.slice(0, SHOWN).join(", ")}${rest}`;
}
