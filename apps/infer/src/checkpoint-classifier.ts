import { openBackend, openModel } from "asl-cli";
import { openPredictor } from "asl-training";
import type { Classifier, ClassifierOptions } from "./classifier.js";

/** A classifier from a checkpoint: .pth, .safetensors or one of this project's own. */
export async function openCheckpointClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  const { weights, imageSize, classNames, batchSize, numerics, smallerBatches = [] } = options;
  const opened = await openModel(file, {
    ...(weights === undefined ? {} : { weights }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(numerics === undefined ? {} : { numerics }),
    ...(classNames === undefined ? {} : { classNames }),
  });
  const backend = await openBackend(options.backend);
  const predictor = await openPredictor({
    backend,
    model: opened.model,
    state: opened.state,
    imageSize: opened.imageSize,
    batchSize,
    smallerBatches,
    classNames: opened.classNames,
  });
  return {
    classNames: opened.classNames,
    thresholds: opened.thresholds,
    calibration: opened.calibration,
    imageSize: opened.imageSize,
    resizeFilter: opened.resizeFilter,
    batchSize,
    batchSizes: [...smallerBatches, batchSize],
    notes: opened.notes,
    scores: async (images, pictures) => (await predictor.predict(images, pictures)).scores,
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}
