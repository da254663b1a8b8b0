import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type CommandContext, formatTable, type Reporter, UsageError } from "asl-cli";
import {
  type Comparison,
  type ConfidenceOptions,
  comparePredictions,
  loadPredictions,
  type MeanAveragePrecisionInterval,
  mapInterval,
  type Predictions,
  RUN_FILES,
  validationReport,
} from "asl-training";
import type { ValidateOptions } from "./command.js";
import { savedPredictions } from "./saved-predictions.js";

/** Measures two sets of predictions against each other and prints what came out. */
export async function compare(files: readonly string[], options: ValidateOptions, context: CommandContext) {
  const { model, data, predictions, calibrate, savePredictions } = options;
  const [first, second, ...more] = files;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new UsageError(`--compare takes two files of predictions or folders of runs; got ${files.length}`);
  }
  if ([model, data, predictions, calibrate, savePredictions].some((each) => each !== undefined)) {
    throw new UsageError("--compare goes without --model, --data, --predictions, --calibrate and --save-predictions");
  }
  const [a, b] = [await predictionsOf(first, options, context), await predictionsOf(second, options, context)];
  const comparison = await withProgress(context, options, (confidence) => comparePredictions(a, b, confidence));
  if (options.json === true) context.report.printJson({ files: [first, second], ...comparison });
  else context.report.print(comparisonAsText(first, second, comparison));
  return undefined;
}

/** A bootstrap interval of mAP. */
export const intervalOf = (predictions: Predictions, options: ValidateOptions, context: CommandContext) =>
  withProgress(context, options, (confidence) => mapInterval(predictions, confidence));

export function intervalAsText(mAP: number, { low, high, confidence, resamples }: MeanAveragePrecisionInterval) {
  return (
    `mAP ${mAP.toFixed(2)}, ${100 * confidence} % interval ${low.toFixed(2)} to ${high.toFixed(2)} ` +
    `(percentile bootstrap over pictures, ${resamples} resamples)`
  );
}

async function withProgress<Result>(
  { report, signal }: CommandContext,
  { bootstrap, bootstrapSeed }: ValidateOptions,
  work: (options: ConfidenceOptions) => Promise<Result>,
): Promise<Result> {
  let progress: ReturnType<Reporter["progress"]> | undefined;
  try {
    return await work({
      ...(typeof bootstrap === "number" ? { resamples: bootstrap } : {}),
      seed: bootstrapSeed,
      signal,
      onProgress: (done, total) => {
        progress ??= report.progress({ label: "bootstrap", total, unit: "classes" });
        progress.update(done);
      },
    });
  } finally {
    progress?.stop();
  }
}

/** Of a run, its best validation: regular or averaged weights, whichever has the higher mAP. */
async function predictionsOf(place: string, options: ValidateOptions, { report }: CommandContext) {
  const found = await stat(place).catch(() => undefined);
  if (found === undefined) throw new UsageError(`--compare: there is nothing at ${place}`);
  if (!found.isDirectory()) return (await savedPredictions(place, options, report)).predictions;
  const candidates: { readonly file: string; readonly predictions: Predictions; readonly mAP: number }[] = [];
  for (const name of [RUN_FILES.predictions, RUN_FILES.predictionsEma]) {
    const file = join(place, name);
    if ((await stat(file).catch(() => undefined)) === undefined) continue;
    const predictions = await loadPredictions(file);
    candidates.push({ file, predictions, mAP: validationReport(predictions, 0.5).mAP });
  }
  const best = candidates.sort((one, other) => other.mAP - one.mAP)[0];
  if (best === undefined) {
    throw new UsageError(`${place}: holds no ${RUN_FILES.predictions}; a run with validation pictures writes it`);
  }
  report.note(`${place}: ${best.file}`);
  return best.predictions;
}

function comparisonAsText(first: string, second: string, comparison: Comparison): string {
  const { images, a, b, difference, interval, classes, statement } = comparison;
  const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
  const rows = [...classes].sort((one, other) => other.difference - one.difference);
  return [
    `A ${first}: mAP ${a.toFixed(2)}`,
    `B ${second}: mAP ${b.toFixed(2)}`,
    `B - A: ${signed(difference)}, ${100 * interval.confidence} % interval ${signed(interval.low)} to ${signed(interval.high)} ` +
      `(paired bootstrap over ${images} pictures, ${interval.resamples} resamples)`,
    statement,
    "",
    formatTable(
      ["class", "A", "B", "B - A", "interval", "positives"],
      rows.map(({ name, a: apA, b: apB, difference: change, interval: range, positives }) => [
        ...[name, apA.toFixed(2), apB.toFixed(2), signed(change)],
        range === null ? "" : `${signed(range.low)} to ${signed(range.high)}`,
        String(positives),
      ]),
      [1, 2, 3, 4, 5],
    ),
    "",
    "The intervals of classes are each of its class alone, not corrected for the number of classes.",
  ].join("\n");
}
