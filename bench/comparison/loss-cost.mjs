import { Builder, f32, grad, initialize, tresnet, tresnetConfig } from "asl-core";
import { lossFeeds, recipeLoss, resolveRecipe, scheduleAt, trainingPrograms } from "asl-training";
import { median } from "../table.mjs";
import { disposing } from "./disposing.mjs";

const ROUNDS = 15;
const LOSSES_PER_ROUND = 4;

/**
 * Share of a training step that the loss and its gradient cost: a program of them alone beside the whole step, in turn,
 * medians. A run of a program costs something by itself, so the share is an upper bound.
 */
export async function lossCost(backend, recipeOptions, settings) {
  const { batchSize, imageSize, classes, network } = settings;
  const recipe = resolveRecipe({ epochs: 1, ...recipeOptions });
  const model = tresnet(tresnetConfig("tresnet_m", { classes, ...network }));
  const { state, programs } = trainingPrograms(model, recipe, { batchSize, imageSize });
  const shape = [batchSize, classes];
  const targets = f32(
    shape,
    Float32Array.from({ length: batchSize * classes }, (_, i) => (i % 27 === 0 ? 1 : 0)),
  );
  const logits = f32(
    shape,
    Float32Array.from(targets.data, (_, i) => Math.sin(i) * 3 - 2),
  );
  const side = [batchSize, 3, imageSize, imageSize];
  const images = f32(
    side,
    Float32Array.from({ length: side.reduce((a, b) => a * b) }, (_, i) => (i % 255) / 255),
  );
  const { feeds } = scheduleAt(recipe, 0, 1);
  const extra = lossFeeds(recipe, recipe.gammaNeg);

  const step = await backend.compile(state, { train: programs.train });
  await step.write(initialize(state, recipe.seed));
  const alone = await backend.compile({}, { loss: lossProgram(shape, recipe) });
  const times = { loss: [], step: [] };
  await disposing([step, alone], async () => {
    for (let round = -2; round < ROUNDS; round++) {
      for (let repeat = 0; repeat < LOSSES_PER_ROUND; repeat++) {
        const seconds = await secondsOf(() => alone.run("loss", { logits, targets, ...extra }));
        if (round >= 0) times.loss.push(seconds);
      }
      const seconds = await secondsOf(() => step.run("train", { images, targets, ...feeds, ...extra }));
      if (round >= 0) times.step.push(seconds);
    }
  });
  const [loss, whole] = [median(times.loss), median(times.step)];
  return { lossSeconds: loss, stepSeconds: whole, share: loss / whole, rounds: ROUNDS };
}

function lossProgram(shape, recipe) {
  const builder = new Builder();
  const [logits, targets] = ["logits", "targets"].map((name) => builder.input(name, { dtype: "f32", shape }));
  const loss = recipeLoss(recipe, false)(logits, targets);
  const [gradient] = grad(loss, [logits]);
  return { graph: builder.finish({ loss, gradient }), reads: {}, writes: {}, finite: ["loss"] };
}

async function secondsOf(work) {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
