import { statSync } from "node:fs";
import { extname } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import {
  csvSources,
  DATASET_KINDS,
  type Dataset,
  type DatasetKind,
  type DatasetOptions,
  type DatasetSource,
  describeSource,
  type LocatedSources,
  locateSources,
  openDataset,
  SIGNS,
  type SplitNames,
  type VocDifficult,
} from "asl-data";
import { type ArgumentParser, existingFile, oneOf } from "./arguments.js";
import { UsageError } from "./errors.js";
import type { Reporter } from "./reporter.js";

/** A folder of pictures, or the CSV file that lists them. */
export const existingData: ArgumentParser<string> = (text) => {
  const found = statSync(text, { throwIfNoEntry: false });
  const isCsv = found?.isFile() === true && extname(text).toLowerCase() === ".csv";
  if (found?.isDirectory() === true || isCsv) return text;
  const why = found === undefined ? "there is nothing at this path" : "this is a file";
  throw new InvalidArgumentError(`Expected an existing folder; ${why}; got "${text}".`);
};

export const datasetKindOption = () =>
  new Option("--dataset <kind>", `${DATASET_KINDS.join(", ")}; default: what is found in --data`).argParser(
    oneOf(DATASET_KINDS),
  );

const DIFFICULT = ["ignore", "include", "negative"] as const satisfies readonly VocDifficult[];

export const difficultOption = () =>
  new Option(
    "--difficult <meaning>",
    'of a class with only objects marked "difficult" (voc): ignore, as the VOC evaluation does, include or negative',
  )
    .argParser(oneOf(DIFFICULT))
    .default("ignore" as VocDifficult);

export const skipMissingOption = () =>
  new Option("--skip-missing", "leave out pictures whose files are missing instead of stopping");

export const aliasesOption = () =>
  new Option(
    "--aliases <file>",
    'other names of classes: JSON {"tvmonitor": "tv"} or lines "tvmonitor = tv"; "voc-coco" is built in',
  ).argParser((text: string) => (text === VOC_COCO ? text : existingFile(text)));

/** The name of the aliases that are built in: VOC's names as COCO's. */
export const VOC_COCO = "voc-coco";

export interface SourceOptions {
  readonly dataset?: DatasetKind | undefined;
  readonly annotations?: string | undefined;
  readonly splits?: SplitNames;
}

/** The sets of --data, found or named by --annotations; throws UsageError when nothing is found. */
export async function findSources(data: string, options: SourceOptions): Promise<LocatedSources> {
  const { dataset, annotations, splits = {} } = options;
  if (annotations !== undefined) return await annotatedSources(data, annotations, options);
  const located = await locateSources(data, dataset, splits);
  if (located.train !== undefined || located.val !== undefined || located.whole !== undefined) return located;
  if (dataset !== undefined) {
    throw new UsageError(`${data}: no dataset of the kind ${dataset} found (looked for ${SIGNS[dataset]})`);
  }
  const others = DATASET_KINDS.filter((kind) => kind !== "coco").map((kind) => `${kind}: ${SIGNS[kind]}`);
  throw new UsageError(
    `${data}: no annotations found (looked for ${SIGNS.coco}; ${others.join("; ")}); name them with --annotations FILE`,
  );
}

/**
 * The sets of a folder of pictures with an annotation file: COCO's JSON, whose pictures are all one set, or CSV, with sets
 * as its column "split" says. Throws UsageError.
 */
export async function annotatedSources(
  pictures: string,
  annotations: string,
  { dataset, splits = {} }: Pick<SourceOptions, "dataset" | "splits">,
): Promise<LocatedSources> {
  const kind = dataset ?? (extname(annotations).toLowerCase() === ".csv" ? "csv" : "coco");
  switch (kind) {
    case "coco": {
      const asked = splits.train ?? splits.val;
      if (asked !== undefined) {
        throw new UsageError(
          `${annotations}: COCO's JSON has no splits, but "${asked}" is asked for; name the file of that split instead`,
        );
      }
      return { train: undefined, val: undefined, whole: { kind, pictures, annotations } };
    }
    case "csv":
      return await csvSources(annotations, splits, pictures);
    default:
      throw new UsageError(`--annotations goes with coco and csv; the files of ${kind} are found in --data`);
  }
}

export interface OpenSourceOptions extends Pick<DatasetOptions, "classes" | "aliases"> {
  readonly dropUnannotated?: boolean | undefined;
  readonly skipMissing?: boolean | undefined;
  readonly difficult?: VocDifficult | undefined;
}

/** Opens a source, with progress for what takes long and a warning about pictures that are left out. */
export async function openSource(
  source: DatasetSource,
  options: OpenSourceOptions,
  { report, signal }: { readonly report: Reporter; readonly signal: AbortSignal },
): Promise<Dataset> {
  const { classes, aliases, dropUnannotated = false, skipMissing = false, difficult = "ignore" } = options;
  const onMissing: DatasetOptions["onMissing"] = ({ count, total, names }) =>
    report.warn(
      `${count} of ${total} pictures of ${describeSource(source)} are missing and left out: ${names.join(", ")}, ...`,
    );
  const common: DatasetOptions = {
    dropUnannotated,
    skipMissing,
    onMissing,
    ...(classes === undefined ? {} : { classes }),
    ...(aliases === undefined ? {} : { aliases }),
  };
  if (source.kind === "voc") return await openDataset({ ...source, difficult }, common);
  if (source.kind !== "open-images") return await openDataset(source, common);
  let last = performance.now();
  const onProgress = (rows: number) => {
    if (performance.now() - last < ROWS_INTERVAL) return;
    last = performance.now();
    report.note(`${source.labels}: ${rows} labels read`);
  };
  return await openDataset({ ...source, onProgress, signal }, common);
}

/** Milliseconds between lines about rows read. */
const ROWS_INTERVAL = 5_000;
