import { tresnet } from "asl-core";
import { trainingPrograms } from "./programs.js";
import { checkSameSetup, progressFromJson } from "./progress.js";
import { resolveRecipe } from "./recipe.js";
import { RunDirectory } from "./run-directory.js";
import { RunLock } from "./run-lock.js";
import { checkLoaders, type TrainingOptions, type TrainingResult } from "./training-options.js";
import { TrainingRun } from "./training-run.js";
import { setupOf, writeStart } from "./training-setup.js";

/**
 * Trains a TResNet and writes into `out`: metrics.csv, steps.csv, recipe.json, best.safetensors, best-ema.safetensors,
 * last.snapshot. A run that was interrupted and resumed gives the same losses and weights, bit for bit on the same
 * backend, as one that was not.
 *
 * @throws InputError for options that do not fit; RunDirectoryError when `out` holds another run
 * @throws DivergedError when a loss or logit is not finite; the snapshot in `out` stays as it was
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  const recipe = resolveRecipe(options.recipe);
  checkLoaders(options);
  const model = tresnet(options.model);
  const evaluated = tresnet(options.model, { numerics: options.evaluationNumerics ?? "native" });
  const { batchSize, imageSize, resume = false } = options;
  const { partial } = options.training;
  const { state, programs } = trainingPrograms(model, recipe, { batchSize, imageSize }, { evaluated, partial });
  const setup = setupOf(options, recipe);

  const directory = await RunDirectory.open(options.out, resume);
  await using lock = await RunLock.acquire(directory.folder);
  const snapshot = resume && (await directory.hasSnapshot()) ? await directory.readSnapshot() : undefined;
  if (snapshot !== undefined) checkSameSetup(directory.path("snapshot"), snapshot.progress.setup, setup);
  const progress = snapshot === undefined ? undefined : progressFromJson(directory.path("snapshot"), snapshot.progress);

  await using session = await options.backend.compile(state, programs);
  if (snapshot === undefined) await writeStart(session, { model, state, seed: recipe.seed, weights: options.weights });
  else await session.write(snapshot.state);
  if (progress !== undefined) options.onResume?.({ epoch: progress.epoch, step: progress.step });
  await directory.writeJson("recipe", { ...setup, recipe: { ...recipe }, backend: options.backend.name });
  const run = await TrainingRun.open({ options, recipe, model, session, directory, lock, setup, progress });
  return await run.toTheEnd();
}
