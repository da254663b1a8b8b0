import {
  alignClasses,
  type CommandContext,
  locateDataset,
  openBackend,
  openModel,
  type PictureSet,
  readClassNames,
  USUAL_PLACES,
  UsageError,
} from "asl-cli";
import { createLoader, openCoco, type PictureError } from "asl-data";
import { openPredictor, type Predictions } from "asl-training";
import type { ValidateOptions } from "./command.js";

/** Runs a model over a labelled dataset. Pictures are resized bilinearly, as the official validation does. */
export async function runModel(
  modelFile: string,
  data: string,
  options: ValidateOptions,
  { report, signal }: CommandContext,
): Promise<{ predictions: Predictions; threshold: number | readonly number[] }> {
  const { weights, imageSize, classes, batchSize, numerics, threads, workers } = options;
  const classNames = classes === undefined ? undefined : await readClassNames(classes);
  const opened = await openModel(modelFile, {
    ...(weights === undefined ? {} : { weights }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(numerics === undefined ? {} : { numerics }),
    ...(classNames === undefined ? {} : { classNames }),
  });
  opened.notes.forEach(report.note);
  const coco = await openCoco({
    ...(await pictureSet(data, options.annotations)),
    dropUnannotated: options.dropUnannotated === true,
  });
  const { dataset, notes } = alignClasses(coco, opened);
  notes.forEach(report.note);

  const size = { imageSize: opened.imageSize, batchSize };
  const backend = await openBackend(options.backend, threads === undefined ? {} : { threads });
  await using loader = createLoader(dataset, {
    ...size,
    filter: "bilinear",
    lastBatch: "pad",
    ...(workers === undefined ? {} : { workers }),
    onCorrupt: options.skipCorrupt === true ? "skip" : "fail",
    onSkip: ({ error }: { error: PictureError }) => report.warn(`${error.message}; left out`),
  });
  await using predictor = await openPredictor({
    ...size,
    backend,
    model: opened.model,
    state: opened.state,
    classNames: dataset.classes,
  });
  const progress = report.progress({ label: "validate", total: loader.itemCount, unit: "images" });
  try {
    const predictions = await predictor.evaluate(loader, { signal, onProgress: (done) => progress.update(done) });
    return { predictions, threshold: options.threshold ?? opened.thresholds };
  } finally {
    progress.stop();
  }
}

async function pictureSet(data: string, annotations: string | undefined): Promise<PictureSet> {
  if (annotations !== undefined) return { pictures: data, annotations };
  const { val, whole } = await locateDataset(data);
  const found = val ?? whole;
  if (found === undefined) {
    throw new UsageError(
      `${data}: no annotations found (looked for ${USUAL_PLACES}); name them with --annotations FILE`,
    );
  }
  return found;
}
