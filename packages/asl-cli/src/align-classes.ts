import { InputError } from "asl-core";
import type { Dataset, DatasetItem } from "asl-data";
import type { OpenedModel } from "./open-model.js";

export interface AlignedDataset {
  readonly dataset: Dataset;
  /** What was done or assumed, one sentence each. */
  readonly notes: readonly string[];
}

export interface AlignOptions {
  /** Other names of classes, of both sides: { tvmonitor: "tv" }. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Only the classes that both have; all others of the model are unannotated. Default false: they must be the same. */
  readonly sharedOnly?: boolean | undefined;
}

const SHOWN = 3;

/**
 * A dataset with the classes of a model, in the model's order. The same names in another order are matched by name.
 * A model whose file names no classes must have as many as the dataset; then the dataset's names and order hold.
 * Throws InputError that names the first class that differs, and what to do.
 */
export function alignClasses(
  dataset: Dataset,
  model: Pick<OpenedModel, "file" | "classNames" | "classNamesFrom">,
  options: AlignOptions = {},
): AlignedDataset {
  const { aliases = {}, sharedOnly = false } = options;
  const { file, classNames, classNamesFrom } = model;
  const { classes } = dataset;
  const canonical = (name: string) => (Object.hasOwn(aliases, name) ? aliases[name]! : name);
  const modelNames = classNames.map(canonical);
  const datasetNames = classes.map(canonical);
  const indexOf = new Map(modelNames.map((name, index) => [name, index]));
  if (indexOf.size !== modelNames.length) {
    const name = modelNames.find((each, index) => modelNames.indexOf(each) !== index)!;
    throw new InputError(`${file}: two of its classes are called "${name}" by the aliases; its classes must differ`);
  }
  if (modelNames.join("\n") === datasetNames.join("\n"))
    return { dataset: { ...dataset, classes: classNames }, notes: [] };
  const labelOf = datasetNames.map((name) => indexOf.get(name));
  const missing = classes.filter((_, label) => labelOf[label] === undefined);
  const known = new Set(datasetNames);
  const absent = classNames.filter((_, index) => !known.has(modelNames[index]!));
  const relabelled = () => withLabels(dataset, classNames, labelOf);
  if (missing.length === 0 && absent.length === 0) {
    return {
      dataset: relabelled(),
      notes: [`the annotations have the classes of ${file} in another order; they are matched by name`],
    };
  }
  const guessed = classNamesFrom === "coco" || classNamesFrom === "numbered";
  if (sharedOnly && !(guessed && classNamesFrom === "numbered")) {
    const shared = classNames.length - absent.length;
    if (shared === 0)
      throw new InputError(`${file} and the annotations share no class. ${difference(model, classes, options)}`);
    return {
      dataset: relabelled(),
      notes: [
        `${shared} classes are shared; of the model ${absent.length} are left out, of the annotations ` +
          `${missing.length}${missing.length === 0 ? "" : ` (${listed(missing)})`}`,
      ],
    };
  }
  if (guessed && classes.length === classNames.length) {
    return { dataset, notes: [`${file} names no classes; those of the annotations are taken, in their order`] };
  }
  if (guessed) {
    throw new InputError(
      `${file} has ${classNames.length} classes, the annotations have ${classes.length}; the model's names are not ` +
        "known: name them with --classes",
    );
  }
  throw new InputError(
    `${file} has ${classNames.length} classes, the annotations have ${classes.length}, and they are not the same: ` +
      [named("only in the annotations", missing), named("only in the model", absent)].filter(Boolean).join("; ") +
      `. ${difference(model, classes, options)}`,
  );
}

/** The indices of the model's classes of which some target of the dataset is not -1 by the alignment. */
export function sharedClasses(
  model: readonly string[],
  dataset: readonly string[],
  { aliases = {} }: AlignOptions,
): number[] {
  const canonical = (name: string) => (Object.hasOwn(aliases, name) ? aliases[name]! : name);
  const known = new Set(dataset.map(canonical));
  return model.flatMap((name, index) => (known.has(canonical(name)) ? [index] : []));
}

/** "The first difference is class 5: the annotations have "cow", the model "cat"...". */
function difference(
  { classNames, file }: Pick<OpenedModel, "file" | "classNames">,
  classes: readonly string[],
  { aliases }: AlignOptions,
): string {
  const at = classNames.findIndex((name, index) => name !== classes[index]);
  const first = at === -1 ? classNames.length : at;
  const show = (name: string | undefined) => (name === undefined ? "none" : `"${name}"`);
  const lookalike = classes.flatMap((name) => {
    const twin = classNames.find((other) => other !== name && plain(other) === plain(name));
    return twin === undefined || classNames.includes(name) ? [] : [`${name} = ${twin}`];
  })[0];
  const advice = [
    lookalike === undefined
      ? undefined
      : `"${lookalike}" may be one class: --aliases FILE with such lines makes it one`,
    aliases === undefined && lookalike === undefined ? "--aliases FILE gives classes one name" : undefined,
    "--classes FILE names the model's or training's classes in their order",
    "--classes-shared measures only the classes that both have",
  ].filter((each) => each !== undefined);
  return (
    `The first difference is class ${first}: the annotations have ${show(classes[first])}, ${file} has ` +
    `${show(classNames[first])}. ${advice.join("; ")}`
  );
}

/** Case, spaces and hyphens do not tell classes apart. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

function withLabels(
  dataset: Dataset,
  classNames: readonly string[],
  labelOf: readonly (number | undefined)[],
): Dataset {
  const covered = new Set(labelOf);
  const uncovered = classNames.flatMap((_, index) => (covered.has(index) ? [] : [index]));
  const map = (labels: readonly number[]) =>
    [...new Set(labels.flatMap((label) => labelOf[label] ?? []))].sort((a, b) => a - b);
  const items = Array.from(dataset.items, (item): DatasetItem => {
    const { name, file, negatives, unannotated } = item;
    const labels = map(item.labels);
    const without = (others: readonly number[]) => others.filter((label) => !labels.includes(label));
    if (negatives !== undefined) return { name, file, labels, negatives: without(map(negatives)) };
    const unknown = [...without(map(unannotated ?? [])), ...uncovered].sort((a, b) => a - b);
    return { ...item, labels, ...(unknown.length === 0 ? {} : { unannotated: unknown }) };
  });
  return { classes: classNames, items };
}

const listed = (names: readonly string[]) =>
  names.slice(0, SHOWN).join(", ") + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "");

const named = (what: string, names: readonly string[]) => (names.length === 0 ? "" : `${what}: ${listed(names)}`);
