import { type OpenedModel, openBackend, openModel } from "asl-cli";
import { evaluateProgram } from "asl-core";
import { exportOnnx } from "asl-onnx";
import { openPredictor } from "asl-training";
import type { Classifier, ClassifierOptions } from "./classifier.js";
import { assertNumbers, sigmoid, upTo } from "./scores.js";

/** A classifier from a checkpoint: .pth, .safetensors or one of this project's own. */
export async function openCheckpointClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  const { weights, imageSize, classNames, numerics } = options;
  const opened = await openModel(file, {
    ...(weights === undefined ? {} : { weights }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(numerics === undefined ? {} : { numerics }),
    ...(classNames === undefined ? {} : { classNames }),
  });
  const network = await openNetwork(opened, options);
  return {
    classNames: opened.classNames,
    thresholds: opened.thresholds,
    calibration: opened.calibration,
    imageSize: opened.imageSize,
    resizeFilter: opened.resizeFilter,
    batchSize: options.batchSize,
    notes: opened.notes,
    ...network,
  };
}

type Network = Pick<Classifier, "batchSizes" | "scores"> & AsyncDisposable;

/** Weights are held once, however many batch sizes there are. */
function openNetwork(opened: OpenedModel, options: ClassifierOptions): Promise<Network> {
  const { backend, batchSize, partialBatches = false } = options;
  // ONNX Runtime puts the weights into each of its models; a model of a symbolic batch takes every size
  if (partialBatches && (backend === "onnx" || backend === "onnx-web")) return symbolicNetwork(opened, options);
  return programs(opened, options, partialBatches ? powersOfTwoBelow(batchSize) : []);
}

async function programs(
  { model, state, imageSize, classNames }: OpenedModel,
  { backend: name, batchSize }: ClassifierOptions,
  smallerBatches: readonly number[],
): Promise<Network> {
  const backend = await openBackend(name);
  const predictor = await openPredictor({
    ...{ backend, model, state, imageSize, batchSize, smallerBatches, classNames },
  });
  return {
    batchSizes: [...smallerBatches, batchSize],
    scores: async (images, pictures) => (await predictor.predict(images, pictures)).scores,
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}

async function symbolicNetwork(
  { file, model, state, imageSize, classNames }: OpenedModel,
  { backend, batchSize }: ClassifierOptions,
): Promise<Network> {
  const graph = (rows: number) => evaluateProgram({ model, batchSize: rows, imageSize }).graph;
  const bytes = exportOnnx({ graph, state, batch: "dynamic" });
  const session =
    backend === "onnx"
      ? await (await import("asl-onnx/node")).openOnnxModelNode(bytes)
      : await (await import("asl-onnx/web")).openOnnxModelWeb(bytes);
  return {
    batchSizes: upTo(batchSize),
    async scores(images, pictures) {
      const { logits } = await session.run({ images });
      assertNumbers(logits!.data, { file, what: "logit", pictures, classNames });
      return Float32Array.from(logits!.data, sigmoid);
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

const powersOfTwoBelow = (limit: number): readonly number[] =>
  Array.from({ length: Math.ceil(Math.log2(limit)) }, (_, power) => 2 ** power);
