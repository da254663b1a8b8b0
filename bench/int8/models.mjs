// The two trained networks whose int8 files are judged: one on emoji scenes, one fine-tuned from it on photographs.
import { copyFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { matchState, readCheckpoint } from "asl-checkpoint";
import { tresnet, tresnetConfig } from "asl-core";
import { createLoader, ICON_FAMILIES, openCoco } from "asl-data";
import { RUN_FILES, train } from "asl-training";
import { disposing } from "../comparison/disposing.mjs";
import { drawScenes } from "../comparison/scenes.mjs";

/** As the demo trains, with COCO's 80 classes in place of 20. */
export const EMOJI = {
  classes: 80,
  imageSize: 64,
  batchSize: 64,
  network: { blocks: [2, 2, 2, 1], widthFactor: 0.5 },
  scenes: 4000,
  valScenes: 1000,
  families: ICON_FAMILIES.filter((family) => family !== "noto-v1"),
  recipe: { epochs: 13, learningRate: 4e-3, seed: 1 },
};

/** As fine-tuning trains: few photographs, so many epochs. */
export const PHOTOGRAPHS = {
  ...{ classes: 80, imageSize: 64, batchSize: 32, network: EMOJI.network },
  recipe: { epochs: 40, learningRate: 2e-3, seed: 1 },
};

/** The same path in seconds; the figures mean nothing. */
export const QUICK = {
  EMOJI: {
    ...EMOJI,
    ...{
      imageSize: 32,
      batchSize: 8,
      network: { blocks: [1, 1, 1, 1], widthFactor: 0.125 },
      scenes: 24,
      valScenes: 24,
    },
    recipe: { ...EMOJI.recipe, epochs: 1 },
  },
  PHOTOGRAPHS: {
    ...PHOTOGRAPHS,
    ...{ imageSize: 32, batchSize: 8, network: { blocks: [1, 1, 1, 1], widthFactor: 0.125 } },
    recipe: { ...PHOTOGRAPHS.recipe, epochs: 1 },
  },
};

/** Trains what is not in the store yet: {name, checkpoint, pictures: {training, validation}} as sources of COCO kind. */
export async function emojiModel({ settings, store, backend }, context) {
  const { scenes, valScenes, families, recipe } = settings;
  const draw = (split, count) =>
    drawScenes(
      { folder: store.path("scenes", split), split, scenes: count, seed: recipe.seed, families, settings },
      context,
    );
  const sources = { training: await draw("train", scenes), validation: await draw("val", valScenes) };
  const checkpoint = await trained({ name: "emoji-80", settings, sources, weights: {}, store, backend }, context);
  return { name: "emoji-80", checkpoint, sources };
}

/** `folder`: pictures in train/ and val/, labels in instances_free_{train,val}.json. */
export async function photographModel({ settings, store, backend, folder, backbone }, context) {
  const source = (split) => ({
    pictures: path.join(folder, split),
    annotations: path.join(folder, `instances_free_${split}.json`),
  });
  const sources = { training: source("train"), validation: source("val") };
  const weights = await backboneWeights(settings, backbone);
  const checkpoint = await trained({ name: "photographs", settings, sources, weights, store, backend }, context);
  return { name: "photographs", checkpoint, sources };
}

/** The moving average of the epoch with the best validation; a run that was interrupted goes on. */
async function trained({ name, settings, sources, weights, store, backend }, { report, signal }) {
  const file = store.path(`${name}.safetensors`);
  if ((await store.read(name, settings)) !== undefined) return file;
  const { imageSize, batchSize, recipe } = settings;
  const common = { imageSize, batchSize, cache: "memory" };
  const augment = { seed: recipe.seed, steps: [{ kind: "horizontalFlip" }, { kind: "cutout", fraction: 0.5 }] };
  const shuffle = { seed: recipe.seed };
  const training = createLoader(await openCoco(sources.training), { ...common, shuffle, augment, lastBatch: "drop" });
  const validation = createLoader(await openCoco(sources.validation), { ...common, lastBatch: "pad" });
  const out = store.path("runs", name);
  const steps = Math.floor(training.itemCount / batchSize) * recipe.epochs;
  const progress = report.progress({ label: `train ${name}`, total: steps * batchSize, unit: "images" });
  const result = await disposing([training, validation], async () => {
    try {
      return await train({
        ...{ backend, model: tresnetConfig("tresnet_m", networkOf(settings)), weights, training, validation },
        ...{ batchSize, imageSize, recipe, resizeFilter: "bilinear", out, resume: true, signal },
        onStep: ({ step, loss }) => progress.update(step * batchSize, { loss: loss.toPrecision(4) }),
      });
    } finally {
      progress.stop();
    }
  });
  if (result.interrupted) throw signal.reason;
  await copyFile(path.join(out, RUN_FILES.bestEma), `${file}.partial`);
  await rename(`${file}.partial`, file);
  await store.write(name, settings, { steps: result.steps, seconds: result.seconds });
  await rm(out, { recursive: true, force: true });
  return file;
}

const networkOf = ({ classes, network }) => ({ classes, ...network });

async function backboneWeights(settings, file) {
  const { state } = tresnet(tresnetConfig("tresnet_m", networkOf(settings)));
  const types = Object.fromEntries(Object.entries(state).map(([name, { type }]) => [name, type]));
  const { tensors } = await readCheckpoint(file);
  return matchState(types, tensors, { loadBackbone: true, file }).tensors;
}
