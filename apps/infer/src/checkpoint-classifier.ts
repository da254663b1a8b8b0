import { type OpenedModel, openBackend, openModel } from "asl-cli";
import { evaluateProgram } from "asl-core";
import { exportModel } from "asl-onnx";
import { openPredictor } from "asl-training";
import type { Classifier, ClassifierOptions } from "./classifier.js";
import { assertNumbers, sigmoid, upTo } from "./scores.js";
import { timed } from "./timed.js";

/** A classifier from a checkpoint: .pth, .safetensors or one of this project's own. */
export async function openCheckpointClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  const { weights, imageSize, classNames, numerics, backend } = options;
  // its native library loads while the file is read; a failure is told when it is needed
  if (backend === "onnx") void import("asl-onnx/node").catch(() => undefined);
  const opened = await timed("checkpoint", () =>
    openModel(file, {
      ...(weights === undefined ? {} : { weights }),
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(numerics === undefined ? {} : { numerics }),
      ...(classNames === undefined ? {} : { classNames }),
    }),
  );
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
  // ONNX Runtime puts the weights into each of its models: no program over a state, which would hold them once more
  if (backend === "onnx" || backend === "onnx-web") return onnxNetwork(opened, options);
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

/**
 * For so few pixels in all, the blocked layout of "all" does not pay: on two cores it takes a TResNet-L 160 ms longer to
 * load, and saves 16 ms of a picture of 224 px (bench/README.md, cold-start).
 */
const FEW_PIXELS = 8 * 224 ** 2;

/** A model of a fixed batch; of a symbolic one, which takes every size, where batches that are not full come often. */
async function onnxNetwork(
  { file, model, state, imageSize, classNames }: OpenedModel,
  { backend, batchSize, pictures, partialBatches = false }: ClassifierOptions,
): Promise<Network> {
  const few = pictures !== undefined && pictures * imageSize ** 2 <= FEW_PIXELS;
  const opening = few
    ? ({
        sessionOptions: { graphOptimizationLevel: "extended" },
        kernels: backend === "onnx" ? "fed" : "held",
      } as const)
    : {};
  const graph = (rows: number) => evaluateProgram({ model, batchSize: rows, imageSize }).graph;
  const onnx = await timed("model", () =>
    exportModel({ graph, state, overwriteState: true, batch: partialBatches ? "dynamic" : batchSize }),
  );
  const session = await timed("session", async () =>
    backend === "onnx"
      ? (await import("asl-onnx/node")).openOnnxModelNode(onnx, opening)
      : (await import("asl-onnx/web")).openOnnxModelWeb(onnx, opening),
  );
  return {
    batchSizes: partialBatches ? upTo(batchSize) : [batchSize],
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
