import type { Begun } from "asl-checkpoint";
import { beginModel, type OpenedModel, openBackend } from "asl-cli";
import { evaluateProgram } from "asl-core";
import { exportModel, type OnnxModelSession } from "asl-onnx";
import { openPredictor } from "asl-training";
import type { Classifier, ClassifierOptions } from "./classifier.js";
import { areKernels, isLarge } from "./later-weights.js";
import { assertNumbers, sigmoid, upTo } from "./scores.js";
import { timed } from "./timed.js";

/** A classifier from a checkpoint: .pth, .safetensors or one of this project's own. */
export async function openCheckpointClassifier(file: string, options: ClassifierOptions): Promise<Classifier> {
  const { weights, imageSize, classNames, numerics, backend } = options;
  // its native library loads while the file is read; a failure is told when it is needed
  if (backend === "onnx") void import("asl-onnx/node").catch(() => undefined);
  const opening = {
    ...(weights === undefined ? {} : { weights }),
    ...(imageSize === undefined ? {} : { imageSize }),
    ...(numerics === undefined ? {} : { numerics }),
    ...(classNames === undefined ? {} : { classNames }),
  };
  const mayBeLater = backend === "onnx" && numerics !== "exact" ? isLarge : () => false;
  const begun = await timed("checkpoint", () => beginModel(file, opening, mayBeLater));
  const opened = begun.content;
  const network = await openNetwork(begun, options);
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
async function openNetwork(begun: Begun<OpenedModel>, options: ClassifierOptions): Promise<Network> {
  const { backend, batchSize, partialBatches = false } = options;
  // ONNX Runtime puts the weights into each of its models: no program over a state, which would hold them once more
  if (backend === "onnx" || backend === "onnx-web") return onnxNetwork(begun, options);
  await begun.rest;
  return programs(begun.content, options, partialBatches ? powersOfTwoBelow(batchSize) : []);
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
async function onnxNetwork(begun: Begun<OpenedModel>, options: ClassifierOptions): Promise<Network> {
  const { file, classNames } = begun.content;
  const { batchSize, partialBatches = false } = options;
  const session = await openSession(begun, options);
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

/** For few pictures, the session is made ready while the kernels that go into it with each run are still being read. */
async function openSession(
  { content: { model, state, imageSize }, rest }: Begun<OpenedModel>,
  { backend, batchSize, pictures, partialBatches = false }: ClassifierOptions,
): Promise<OnnxModelSession> {
  const few = pictures !== undefined && pictures * imageSize ** 2 <= FEW_PIXELS;
  const isFed = few && backend === "onnx";
  const exported = (onScaling: (scale: () => void) => void) => {
    const graph = (rows: number) => evaluateProgram({ model, batchSize: rows, imageSize }).graph;
    const batch = partialBatches ? "dynamic" : batchSize;
    return timed("model", () => exportModel({ graph, state, batch, overwriteState: true, onScaling }));
  };
  // every kernel is fed, so that none has to be scaled before the session is made
  const scalings: (() => void)[] = [];
  let onnx = isFed ? await exported((scale) => scalings.push(scale)) : undefined;
  if (onnx === undefined || !areKernels(onnx, state)) {
    await timed("weights", () => rest);
    scalings.length = 0;
    onnx = await exported((scale) => scale());
  }
  const opening = {
    ...(few ? { sessionOptions: { graphOptimizationLevel: "extended" } as const } : {}),
    kernels: isFed ? "fed" : "held",
  } as const;
  const session = await timed("session", async () =>
    backend === "onnx"
      ? (await import("asl-onnx/node")).openOnnxModelNode(onnx, opening)
      : (await import("asl-onnx/web")).openOnnxModelWeb(onnx, opening),
  );
  try {
    await timed("weights", async () => {
      await rest;
      for (const scale of scalings) scale();
    });
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  return session;
}

const powersOfTwoBelow = (limit: number): readonly number[] =>
  Array.from({ length: Math.ceil(Math.log2(limit)) }, (_, power) => 2 ** power);
