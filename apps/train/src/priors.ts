import { alignClasses, type CommandContext, openModel } from "asl-cli";
import { type Backend, InputError } from "asl-core";
import { createLoader, type Dataset } from "asl-data";
import { openPredictor } from "asl-training";
import type { TrainOptions } from "./command.js";

/**
 * How frequent each class is, where annotations do not say: the mean score of --prior-model over the training pictures.
 * Ben-Baruch et al. 2022, "Multi-label classification with partial annotations using class-aware selective loss",
 * section 3.3: a network trained with unannotated classes ignored.
 */
export async function estimatePriors(
  options: TrainOptions,
  dataset: Dataset,
  backend: Backend,
  { report, signal }: CommandContext,
): Promise<readonly number[] | null> {
  const { unannotated, priorModel, batchSize, workers, skipCorrupt } = options;
  if (unannotated !== "selective" || priorModel === undefined) return null;
  const opened = await openModel(priorModel);
  const aligned = alignClasses(dataset, opened).dataset;
  const size = { imageSize: opened.imageSize, batchSize };
  await using loader = createLoader(aligned, {
    ...size,
    filter: "bilinear",
    lastBatch: "pad",
    onCorrupt: skipCorrupt === true ? "skip" : "fail",
    ...(workers === undefined ? {} : { workers }),
  });
  const { model, state } = opened;
  await using predictor = await openPredictor({ ...size, backend, model, state, classNames: aligned.classes });
  const progress = report.progress({ label: "priors", total: loader.itemCount, unit: "images" });
  try {
    const { scores, pictures } = await predictor.evaluate(loader, { signal, onProgress: (n) => progress.update(n) });
    const classes = aligned.classes.length;
    const sums = new Float64Array(classes);
    for (const [i, score] of scores.entries()) sums[i % classes]! += score;
    return dataset.classes.map((name) => {
      const label = aligned.classes.indexOf(name);
      if (label < 0) throw new InputError(`${priorModel}: it knows no class "${name}"`);
      return sums[label]! / pictures.length;
    });
  } finally {
    progress.stop();
  }
}
