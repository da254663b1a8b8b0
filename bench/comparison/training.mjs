import { copyFile, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { matchState, readCheckpoint, readSnapshot } from "asl-checkpoint";
import { tresnet, tresnetConfig } from "asl-core";
import { createLoader } from "asl-data";
import { evaluate, RUN_FILES, resolveRecipe, train, trainingPrograms } from "asl-training";
import { balanceByEpoch, removedPositives } from "./balance.mjs";
import { numbersOf } from "./csv.mjs";
import { disposing } from "./disposing.mjs";
import { openScenes, withoutLabels } from "./scenes.mjs";

const STEPS = { flip: { kind: "horizontalFlip" }, cutout: { kind: "cutout", fraction: 0.5 } };
const RAND_AUGMENT = { kind: "randAugment", operations: 2, magnitude: 9 };

/** As `train` does it unless a run says otherwise. */
export const AUGMENTATION = { cutout: true, randAugment: false };

const stepsOf = ({ cutout, randAugment }) => [
  STEPS.flip,
  ...(cutout ? [STEPS.cutout] : []),
  ...(randAugment ? [RAND_AUGMENT] : []),
];

const networkOf = ({ classes, network }) => tresnetConfig("tresnet_m", { classes, ...network });

/**
 * Trains one run of a comparison, goes on with it if it was interrupted, and returns its record.
 * run: {name, loss, start: "scratch" | "backbone", removed: 0..1, seed, recipe, augmentation}.
 */
export async function trainRun(run, { settings, pictures, backbone, backend, store, context, onStep }) {
  const { imageSize, batchSize, epochs, learningRate } = settings;
  const model = networkOf(settings);
  const recipe = { epochs, learningRate: learningRate[run.start], seed: run.seed, loss: run.loss, ...run.recipe };
  const { dataset, removed } = withoutLabels(pictures.training, run.removed, run.seed);
  const common = { imageSize, batchSize, cache: "memory" };
  const augment = { seed: run.seed, steps: stepsOf({ ...AUGMENTATION, ...run.augmentation }) };
  const training = createLoader(dataset, { ...common, shuffle: { seed: run.seed }, augment, lastBatch: "drop" });
  const validation = createLoader(pictures.validation, { ...common, lastBatch: "pad" });
  const folder = store.path("runs", run.name);
  const weights = run.start === "scratch" ? {} : await backboneWeights(model, backbone);
  const result = await disposing([training, validation], () =>
    train({
      ...{ backend, model, weights, training, validation, batchSize, imageSize, recipe },
      resizeFilter: "bilinear",
      dataDescription: { run: run.name, augmentation: augment.steps },
      out: folder,
      resume: true,
      signal: context.signal,
      onStep,
    }),
  );
  if (result.interrupted) throw context.signal.reason;

  const steps = await readFile(path.join(folder, RUN_FILES.steps), "utf8");
  const epochsDone = numbersOf(await readFile(path.join(folder, RUN_FILES.metrics), "utf8"));
  const { mAP_EMA: mAP, mAP: mAPLast } = epochsDone.at(-1);
  const balance = balanceByEpoch(steps);
  const focusing = { ...focusingOf(resolveRecipe(recipe)), ...adaptedGamma(run.loss, steps) };
  const record = {
    ...{ mAP, mAPLast, balance, gammaNeg: focusing.gammaNeg, clip: focusing.clip },
    removed:
      run.removed === 0
        ? null
        : await scoreRemoved({ settings, recipe, backend, folder, dataset, removed, focusing, common }),
    epochs: epochsDone.map(({ epoch, loss, mAP_EMA, mAP }) => ({ epoch, loss, mAP: mAP_EMA, mAPLast: mAP })),
    ...{ steps: result.steps, seconds: result.seconds, imagesPerSecond: result.imagesPerSecond },
  };
  return { record, dispose: () => rm(folder, { recursive: true, force: true }) };
}

async function backboneWeights(model, file) {
  const types = Object.entries(tresnet(model).state).map(([name, { type }]) => [name, type]);
  const { tensors } = await readCheckpoint(file);
  return matchState(Object.fromEntries(types), tensors, { loadBackbone: true, file }).tensors;
}

/** gamma- and clip of the negatives, as recipe-loss of asl-training has them. */
function focusingOf({ loss, focalGamma, gammaNeg, clip }) {
  if (loss === "bce") return { gammaNeg: 0, clip: 0 };
  return loss === "focal" ? { gammaNeg: focalGamma, clip: 0 } : { gammaNeg, clip };
}

const adaptedGamma = (loss, stepsCsv) =>
  loss === "asl-adaptive" ? { gammaNeg: numbersOf(stepsCsv).at(-1).gamma_neg } : {};

/** Scores the training pictures, as they are, with the moving average of the last step. */
async function scoreRemoved({ settings, recipe, backend, folder, dataset, removed, focusing, common }) {
  const { imageSize, batchSize, classes } = settings;
  const shape = { batchSize, imageSize };
  const { state, programs } = trainingPrograms(tresnet(networkOf(settings)), resolveRecipe(recipe), shape);
  const snapshot = await readSnapshot(path.join(folder, RUN_FILES.snapshot));
  const session = await backend.compile(state, { evaluateEma: programs.evaluateEma });
  const loader = createLoader(dataset, { ...common, lastBatch: "pad" });
  return await disposing([session, loader], async () => {
    await session.write(snapshot.state);
    const { evaluateEma } = await evaluate(session, ["evaluateEma"], loader);
    return removedPositives(evaluateEma, removed, classes, focusing);
  });
}

export const hasBackbone = async ({ settings, store }) =>
  (await store.read("backbone", backboneSettings(settings))) !== undefined;

/** The pretrained backbone's file, trained on the scenes `drawn` if it is not there yet. */
export async function pretrainedBackbone({ settings, backend, store, context, onStep, drawn }) {
  const file = store.path("backbone.safetensors");
  const made = backboneSettings(settings);
  if (await hasBackbone({ settings, store })) return file;
  const { epochs, loss, seed } = settings.pretraining;
  const { imageSize, batchSize, learningRate } = settings;
  const augment = { seed, steps: stepsOf(AUGMENTATION) };
  const training = createLoader(await openScenes(drawn), {
    ...{ imageSize, batchSize, augment, cache: "memory", shuffle: { seed }, lastBatch: "drop" },
  });
  const out = store.path("runs", "pretraining");
  const result = await disposing([training], () =>
    train({
      ...{ backend, model: networkOf(settings), training, batchSize, imageSize, out, onStep },
      resizeFilter: "bilinear",
      recipe: { epochs, learningRate: learningRate.scratch, seed, loss },
      resume: true,
      signal: context.signal,
    }),
  );
  if (result.interrupted) throw context.signal.reason;
  await copyFile(path.join(out, RUN_FILES.bestEma), `${file}.partial`);
  await rename(`${file}.partial`, file);
  await store.write("backbone", made, { steps: result.steps, seconds: result.seconds });
  await rm(out, { recursive: true, force: true });
  return file;
}

const backboneSettings = ({ classes, imageSize, batchSize, network, learningRate, pretraining }) => ({
  ...{ classes, imageSize, batchSize, network, pretraining },
  learningRate: learningRate.scratch,
});
