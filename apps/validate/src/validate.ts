import { type CommandContext, checkPlaceOf, givenFlags, type OpenedModel, UsageError } from "asl-cli";
import type { Dataset } from "asl-data";
import { type Predictions, savePredictions, type ValidationReport, validationReport } from "asl-training";
import { calibrate, calibrationAsJson, calibrationAsText, checkCalibration, storeThresholds } from "./calibrate.js";
import type { ValidateOptions } from "./command.js";
import { compare, intervalAsText, intervalOf } from "./compare.js";
import { runModel } from "./run-model.js";
import { savedPredictions } from "./saved-predictions.js";
import { checkScoreFileOptions, evaluateInBlocks } from "./score-file.js";
import { reportAsJson, reportAsText } from "./show-report.js";
import { writeReport } from "./write-report.js";

/** The work of `asl-validate`. */
export async function validate(options: ValidateOptions, context: CommandContext): Promise<undefined> {
  const { report } = context;
  if (options.savePredictions !== undefined) await checkPlaceOf(options.savePredictions);
  if (options.report !== undefined) await checkPlaceOf(options.report);
  checkScoreFileOptions(options);
  if (options.memory !== undefined) {
    print(await measureInBlocks(options.memory, options, context), options, context);
    return undefined;
  }
  if (options.compare !== undefined && options.report !== undefined) {
    throw new UsageError("--report is about one set of predictions: it goes without --compare");
  }
  if (options.compare !== undefined) return await compare(options.compare, options, context);
  await checkCalibration(options);
  const { predictions, threshold: asked, opened, dataset } = await predictionsFor(options, context);
  const calibration =
    options.calibrate === undefined ? undefined : calibrate(predictions, options.calibrate, options.threshold);
  const threshold = calibration?.thresholds ?? asked;
  const result = validationReport(predictions, threshold);
  const interval = options.bootstrap === undefined ? undefined : await intervalOf(predictions, options, context);
  if (options.json === true) {
    report.printJson({
      ...reportAsJson(result),
      ...(interval === undefined ? {} : { mAPInterval: interval }),
      ...(calibration === undefined ? {} : { calibration: calibrationAsJson(calibration) }),
    });
  } else {
    report.print(reportAsText(result));
    if (interval !== undefined) report.print(`\n${intervalAsText(result.mAP, interval)}`);
    if (calibration !== undefined) report.print(`\n${calibrationAsText(calibration)}`);
  }
  // after the report: when the disk is full, the figures are not lost with the file
  if (calibration !== undefined) await storeThresholds(calibration, opened, options, report);
  if (options.report !== undefined) {
    await writeReport(options.report, { predictions, threshold, dataset, of: options.model ?? options.predictions });
    report.note(`${options.report}: the report`);
  }
  if (options.savePredictions !== undefined) {
    await savePredictions(options.savePredictions, { ...predictions, thresholds: threshold });
    report.note(`${options.savePredictions}: ${predictions.pictures.length} pictures`);
  }
  return undefined;
}

function print(result: ValidationReport, { json }: ValidateOptions, { report }: CommandContext): void {
  if (json === true) report.printJson(reportAsJson(result));
  else report.print(reportAsText(result));
}

async function measureInBlocks(memory: number, options: ValidateOptions, context: CommandContext) {
  const { predictions, model, data, savePredictions: copy } = options;
  if (predictions === undefined || model !== undefined || data !== undefined || copy !== undefined) {
    throw new UsageError(
      "--memory reads --predictions FILE in blocks; it goes without --model, --data and --save-predictions",
    );
  }
  return await evaluateInBlocks(predictions, memory, options, context);
}

/** Options that decide what scores a network gives to which pictures. */
const OF_A_RUN = [
  ...(["dataset", "annotations", "split", "aliases", "classesShared", "skipMissing", "dropUnannotated"] as const),
  ...(["skipCorrupt", "weights", "imageSize", "numerics"] as const),
] as const;

interface Validated {
  readonly predictions: Predictions;
  readonly threshold: number | readonly number[];
  readonly opened?: OpenedModel;
  readonly dataset?: Dataset;
}

async function predictionsFor(options: ValidateOptions, context: CommandContext): Promise<Validated> {
  const { predictions, model, data } = options;
  if (predictions !== undefined) {
    if (model !== undefined || data !== undefined) {
      throw new UsageError("--predictions replaces --model and --data; give either the one or the other");
    }
    const stray = givenFlags(options, OF_A_RUN);
    if (stray !== "") throw new UsageError(`${stray}: --predictions are measured as they are; leave it out`);
    return await savedPredictions(predictions, options, context.report);
  }
  if (model === undefined || data === undefined) {
    throw new UsageError("either --data DIR and --model CHECKPOINT, or --predictions FILE is needed");
  }
  const stray = givenFlags(options, ["scoresKey", "targetsKey"]);
  if (stray !== "") throw new UsageError(`${stray}: of saved scores; add --predictions FILE, or leave it out`);
  return await runModel(model, data, options, context);
}
