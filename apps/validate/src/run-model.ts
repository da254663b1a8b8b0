import {
  alignClasses,
  type CommandContext,
  findSources,
  type OpenedModel,
  openBackend,
  openModel,
  openSource,
  readAliases,
  readClassNames,
  resolveModel,
  sharedClasses,
  UsageError,
} from "asl-cli";
import { createLoader, type Dataset, type DatasetSource, describeSource, type PictureError } from "asl-data";
import { openPredictor, type Predictions, selectClasses } from "asl-training";
import type { ValidateOptions } from "./command.js";

/** Runs a model over a labelled dataset. Pictures are resized bilinearly, as the official validation does. */
export async function runModel(
  modelFile: string,
  data: string,
  options: ValidateOptions,
  { report, signal }: CommandContext,
): Promise<{
  readonly predictions: Predictions;
  readonly threshold: number | readonly number[];
  readonly opened: OpenedModel;
  readonly dataset: Dataset;
}> {
  const { weights, imageSize, classes, batchSize, numerics, threads, workers } = options;
  const classNames = classes === undefined ? undefined : await readClassNames(classes);
  const { file, published } = await resolveModel(modelFile, options, { report, signal });
  const size = imageSize ?? published?.imageSize;
  const opened = await openModel(file, {
    ...(weights === undefined ? {} : { weights }),
    ...(size === undefined ? {} : { imageSize: size }),
    ...(numerics === undefined ? {} : { numerics }),
    ...(classNames === undefined ? {} : { classNames }),
  });
  opened.notes.forEach(report.note);
  const source = await sourceOf(data, options);
  report.note(`pictures: ${describeSource(source)}`);
  const aliases = await readAliases(options.aliases);
  const alignment = { aliases, sharedOnly: options.classesShared };
  const { dropUnannotated, skipMissing, difficult } = options;
  const pictures = await openSource(
    source,
    { dropUnannotated, skipMissing, difficult, ...(aliases === undefined ? {} : { aliases }) },
    { report, signal },
  );
  const { dataset, notes } = alignClasses(pictures, opened, alignment);
  notes.forEach(report.note);

  const shape = { imageSize: opened.imageSize, batchSize };
  const backend = await openBackend(options.backend, threads === undefined ? {} : { threads });
  await using loader = createLoader(dataset, {
    ...shape,
    filter: "bilinear",
    lastBatch: "pad",
    ...(workers === undefined ? {} : { workers }),
    onCorrupt: options.skipCorrupt === true ? "skip" : "fail",
    onSkip: ({ error }: { error: PictureError }) => report.warn(`${error.message}; left out`),
  });
  const busy = report.busy("making the network ready");
  await using predictor = await openPredictor({
    ...shape,
    backend,
    model: opened.model,
    state: opened.state,
    classNames: dataset.classes,
  });
  const progress = report.progress({ label: "validate", total: loader.itemCount, unit: "images" });
  try {
    const predictions = await predictor.evaluate(loader, { signal, onProgress: (done) => progress.update(done) });
    const threshold = options.threshold ?? opened.thresholds;
    if (options.classesShared !== true) return { predictions, threshold, opened, dataset };
    const shared = sharedClasses(dataset.classes, pictures.classes, alignment);
    const selected = selectClasses({ ...predictions, thresholds: threshold }, shared);
    return { predictions: selected, threshold: selected.thresholds ?? threshold, opened, dataset };
  } finally {
    busy.stop();
    progress.stop();
  }
}

async function sourceOf(data: string, options: ValidateOptions): Promise<DatasetSource> {
  const { dataset, annotations, split } = options;
  const splits = split === undefined ? {} : { val: split };
  const { val, whole } = await findSources(data, { dataset, annotations, splits });
  const found = val ?? whole;
  if (found !== undefined) return found;
  throw new UsageError(
    `${data}: only training pictures were found; name a split (--split) or annotations (--annotations)`,
  );
}
