import type { Checkpoint } from "asl-checkpoint";
import { alignClasses, type CommandContext, checkPlaceOf, EXIT, openBackend, resolveModel } from "asl-cli";
import type { Dataset } from "asl-data";
import { resolveRecipe, summaryOf, type TrainingResult, train } from "asl-training";
import { augmentationOf } from "./augmentation.js";
import { writeAugmentationPreview } from "./augmentation-preview.js";
import { checkCombination } from "./combinations.js";
import type { TrainOptions } from "./command.js";
import { isEmoji, openDatasets } from "./datasets.js";
import { inspectData } from "./inspect-data.js";
import { createLoaders } from "./loaders.js";
import { estimatePriors } from "./priors.js";
import { classWeightsOf, recipeOf } from "./recipe-options.js";
import { writeRunReport } from "./run-report.js";
import { showProgress, summaryText } from "./show-progress.js";
import { readStartingWeights, startingPoint } from "./starting-point.js";
import { sweep, sweepJson, sweepText } from "./sweep.js";

/** The work of `asl-train`. */
export async function runTraining(given: TrainOptions, context: CommandContext): Promise<number> {
  const { report } = context;
  checkCombination(given);
  if (given.inspect === true) return await inspectData(given, imageSizeOf(given, undefined), context);
  const options = await withFetchedWeights(given, context);
  if (options.previewAugment !== undefined) return await previewAugmentation(options.previewAugment, options, context);
  if (options.sweep !== undefined) return await runSweep(options, context);
  const result = await trainWith(options, context);
  if (result.interrupted) {
    const done = result.steps === 0 ? "before the first step" : `after step ${result.steps}, which is saved`;
    report.warn(`stopped ${done}; the same command with --resume goes on`);
    return EXIT.interrupted;
  }
  if (options.json === true) report.printJson(summaryOf(result));
  else report.print(summaryText(result));
  return EXIT.ok;
}

async function runSweep(options: TrainOptions, context: CommandContext): Promise<number> {
  const { report } = context;
  const rows = await sweep(options, context, (each) => trainWith(each, context));
  if (options.json === true) report.printJson(sweepJson(rows));
  else report.print(sweepText(rows));
  if (rows.at(-1)?.result.interrupted !== true) return EXIT.ok;
  report.warn("the sweep is not finished; the same command with --resume goes on");
  return EXIT.interrupted;
}

/** --weights as a file: a published model is fetched, and says its image size. */
async function withFetchedWeights(options: TrainOptions, context: CommandContext): Promise<TrainOptions> {
  if (options.weights === undefined) return options;
  const { file, published } = await resolveModel(options.weights, { ...options, startsTraining: true }, context);
  return published === undefined
    ? options
    : { ...options, weights: file, imageSize: options.imageSize ?? published.imageSize };
}

async function previewAugmentation(file: string, options: TrainOptions, context: CommandContext): Promise<number> {
  await checkPlaceOf(file);
  const augment = augmentationOf(options);
  const imageSize = imageSizeOf(options, await readStartingWeights(options));
  const { training } = await openDatasets(options, imageSize, context);
  const { pictures, epochs } = await writeAugmentationPreview(file, training, { imageSize, augment });
  context.report.print(`${file}: ${pictures} pictures, as they are and in ${epochs} epochs`);
  return EXIT.ok;
}

async function trainWith(options: TrainOptions, context: CommandContext): Promise<TrainingResult> {
  const { report, signal } = context;
  const { batchSize, backend, threads } = options;
  resolveRecipe(recipeOf(options)); // wrong numbers are found before anything long starts
  const opened = await openBackend(backend, threads === undefined ? {} : { threads });
  const checkpoint = await readStartingWeights(options);
  const imageSize = imageSizeOf(options, checkpoint);
  const datasets = await openDatasets(options, imageSize, context);
  const start = startingPoint(options, datasets.training, checkpoint);
  start.notes.forEach(report.note);
  const validation = inOrderOf(start.training, datasets.validation);
  const recipe = resolveRecipe(
    recipeOf(options, {
      classWeights: classWeightsOf(options, start.training),
      priors: await estimatePriors(options, start.training, opened, context),
    }),
  );
  const loaders = createLoaders(options, imageSize, { training: start.training, validation }, context);
  await using training = loaders.training;
  await using validating = loaders.validation;
  report.note(
    `${start.training.items.length} training pictures, ${validation?.items.length ?? 0} validation pictures, ` +
      `${start.training.classes.length} classes, ${imageSize} px, batches of ${batchSize}`,
  );

  const progress = showProgress(report, { batchSize, epochs: recipe.epochs });
  const busy = report.busy("making the network ready");
  let result: TrainingResult;
  try {
    result = await train({
      backend: opened,
      model: start.config,
      weights: start.weights,
      training,
      ...(validating === undefined ? {} : { validation: validating }),
      batchSize,
      imageSize,
      resizeFilter: "bilinear",
      recipe,
      ...(options.numerics === undefined ? {} : { evaluationNumerics: options.numerics }),
      dataDescription: { ...datasets.description, ...loaders.description, ...start.description },
      out: options.out,
      resume: options.resume === true,
      snapshotEverySteps: options.snapshotEvery,
      ...(options.patience === undefined ? {} : { patience: options.patience }),
      signal,
      onResume: progress.onResume,
      onStep: progress.onStep,
      onEvaluation: progress.onEvaluation,
      onEpoch: progress.onEpoch,
    });
  } finally {
    busy.stop();
    progress.stop();
  }
  if (options.report && result.steps > 0) await writeRunReport(options.out, validation, report);
  return result;
}

/** The validation pictures with their classes in the order of the training pictures'. */
function inOrderOf(training: Dataset, validation: Dataset | undefined): Dataset | undefined {
  const model = { file: "the training pictures", classNames: training.classes, classNamesFrom: "given" } as const;
  return validation === undefined ? undefined : alignClasses(validation, model).dataset;
}

const DEFAULT_IMAGE_SIZE = 448;
const EMOJI_IMAGE_SIZE = 64;

function imageSizeOf(options: TrainOptions, checkpoint: Checkpoint | undefined): number {
  const byDefault = isEmoji(options) ? EMOJI_IMAGE_SIZE : DEFAULT_IMAGE_SIZE;
  return options.imageSize ?? checkpoint?.metadata?.imageSize ?? byDefault;
}
