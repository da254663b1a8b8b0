// The demo's training for 20 steps on several backends: do the loss curves agree, and does the exact loss have the same
// bits from the same logits?
import { rmSync } from "node:fs";
import path from "node:path";
import { initialize, tresnet, tresnetConfig } from "asl-core";
import { createLoader, generateEmojiScenes, ICON_FAMILIES, openCoco } from "asl-data";
import { resolveRecipe, scheduleAt, trainingPrograms } from "asl-training";
import { exactLossProgram, hexBits, openBackends } from "./loss-bits.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

/** The demo's network and recipe; the pictures are the first that 20 steps need of scenes drawn by the same rules. */
const SHAPE = { imageSize: 64, batchSize: 64 };
const NETWORK = { classes: 20, blocks: [2, 2, 2, 1], widthFactor: 0.5 };
const RECIPE = { epochs: 13, learningRate: 4e-3, seed: 1 };
const STEPS_PER_EPOCH = 62;
const HELD_OUT = "noto-v1";

/** Prints loss by step and backend, and compares bits of the first step. */
export async function run({ only, threads, report, steps = 20 }) {
  const backends = await openBackends({ only, threads, report });
  const batches = await drawBatches(steps, report);
  const model = tresnet(tresnetConfig("tresnet_m", NETWORK));
  const recipe = resolveRecipe(RECIPE);
  const { state, programs } = trainingPrograms(model, recipe, SHAPE);
  const start = initialize(state, recipe.seed);

  const curves = [];
  for (const { name, backend } of backends) {
    report(`${name}: ${steps} steps ...`);
    const session = await backend.compile(state, { train: programs.train });
    await session.write(start);
    const losses = [];
    let first;
    for (let step = 0; step < steps; step++) {
      const { images, targets } = batches[step];
      const { feeds } = scheduleAt(recipe, step, STEPS_PER_EPOCH);
      const outputs = await session.run("train", { images, targets, ...feeds });
      first ??= outputs;
      losses.push(outputs.loss.data[0]);
    }
    await session[Symbol.asyncDispose]();
    curves.push({ name, losses, first });
  }

  const [{ name: source, first }] = curves;
  const shared = [];
  for (const { name, backend } of backends) {
    const session = await backend.compile({}, { loss: exactLossProgram(first.logits.type.shape, recipe) });
    const { loss, gradient } = await session.run("loss", { logits: first.logits, targets: batches[0].targets });
    await session[Symbol.asyncDispose]();
    shared.push({ name, loss: loss.data[0], bits: hexBits(loss.data)[0], gradient: hexBits(gradient.data).join("") });
  }
  const result = {
    steps,
    curves: curves.map(({ name, losses }) => ({ name, losses })),
    firstStep: {
      ownLogits: curves.map((curve) => ({
        name: curve.name,
        lossBits: hexBits(curve.first.loss.data)[0],
        logitsThatDiffer: differing(curve.first.logits.data, first.logits.data),
      })),
      sameLogits: shared.map(({ name, loss, bits }) => ({ name, loss, bits })),
      sameBits: shared.every((each) => each.bits === shared[0].bits && each.gradient === shared[0].gradient),
    },
  };
  return { ...result, text: textOf(result, source, first.logits.data.length) };
}

async function drawBatches(steps, report) {
  const folder = temporaryFolder("asl-loss-curves-");
  try {
    const scenes = steps * SHAPE.batchSize;
    report(`${scenes} scenes ...`);
    const drawn = await generateEmojiScenes({
      out: path.join(folder, "scenes"),
      split: "train",
      scenes,
      seed: RECIPE.seed,
      classes: NETWORK.classes,
      imageSize: SHAPE.imageSize,
      families: ICON_FAMILIES.filter((family) => family !== HELD_OUT),
    });
    const loader = createLoader(await openCoco(drawn), {
      ...SHAPE,
      shuffle: { seed: RECIPE.seed },
      lastBatch: "drop",
    });
    const batches = [];
    for await (const batch of loader.epoch(0)) batches.push(batch);
    await loader[Symbol.asyncDispose]();
    return batches;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const differing = (a, b) => {
  const [first, second] = [hexBits(a), hexBits(b)];
  return first.filter((bits, i) => bits !== second[i]).length;
};

function textOf({ steps, curves, firstStep }, source, count) {
  const width = 14;
  const line = (cells) => cells.map((cell, i) => (i === 0 ? cell.padStart(4) : cell.padStart(width))).join("");
  const rows = Array.from({ length: steps }, (_, step) =>
    line([`${step + 1}`, ...curves.map(({ losses }) => losses[step].toPrecision(8))]),
  );
  const apart = Array.from({ length: steps }, (_, step) => {
    const values = curves.map(({ losses }) => losses[step]);
    return Math.max(...values) / Math.min(...values) - 1;
  });
  const own = firstStep.ownLogits.map(
    ({ name, lossBits, logitsThatDiffer }) =>
      `  ${name.padEnd(12)} loss ${lossBits}, ${logitsThatDiffer} of ${count} logits differ`,
  );
  const same = firstStep.sameLogits.map(({ name, loss, bits }) => `  ${name.padEnd(12)} loss ${bits} (${loss})`);
  return [
    line(["step", ...curves.map(({ name }) => name)]),
    ...rows,
    `largest relative difference: ${apart[0].toExponential(1)} in step 1, ${Math.max(...apart).toExponential(1)} in all`,
    "",
    `step 1, each backend's own logits (compared with those of ${source}):`,
    ...own,
    `step 1, the logits of ${source} on each backend: ${firstStep.sameBits ? "one bit pattern, loss and gradient" : "BITS DIFFER"}`,
    ...same,
  ].join("\n");
}
