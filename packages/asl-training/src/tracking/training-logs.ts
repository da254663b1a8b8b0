import { CsvLog } from "../csv-log.js";
import type { StepResult } from "../training-step.js";
import type { ValidationReport } from "../validation-report.js";
import { EventFile, now, type ScalarEvent } from "./event-file.js";

export const METRICS_COLUMNS = [
  "epoch",
  "step",
  "loss",
  "learning_rate",
  "mAP",
  "mAP_EMA",
  "mAP_present",
  "mAP_present_EMA",
  "images_per_second",
  "seconds",
] as const;

/** The last two are the balance of the loss: mean probability of positives, and mean (1 - p) of negatives. */
export const STEPS_COLUMNS = [
  "step",
  "epoch",
  "batch",
  "loss",
  "learning_rate",
  "gradient_norm",
  "gamma_neg",
  "p_plus",
  "p_minus",
] as const;

export interface StepRecord
  extends Pick<StepResult, "loss" | "learningRate" | "gradientNorm" | "gammaNeg" | "pPlus" | "pMinus"> {
  /** All three from 1. */
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
}

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  readonly seconds: number;
  /** Of the regular and of the averaged weights; undefined without validation pictures. */
  readonly reports: readonly (ValidationReport | undefined)[];
}

/** metrics.csv, steps.csv and the TensorBoard events of a run. */
export class TrainingLogs {
  private constructor(
    private readonly metricsLog: CsvLog,
    private readonly stepsLog: CsvLog,
    private readonly events: EventFile,
  ) {}

  /** Opens the files, cut back to the given number of finished steps and epochs. */
  static async open(
    files: { readonly metrics: string; readonly steps: string; readonly events: string },
    done: { readonly steps: number; readonly epochs: number },
  ): Promise<TrainingLogs> {
    const first = (row: readonly string[]) => Number(row[0]);
    return new TrainingLogs(
      await CsvLog.open(files.metrics, METRICS_COLUMNS, (row) => first(row) <= done.epochs),
      await CsvLog.open(files.steps, STEPS_COLUMNS, (row) => first(row) <= done.steps),
      await EventFile.open(files.events, ({ step, scalars }) => {
        // a snapshot may stand after the last step of an epoch, but before its evaluation
        return scalars[EPOCH_TAG] === undefined ? step <= done.steps : scalars[EPOCH_TAG] <= done.epochs;
      }),
    );
  }

  async steps(records: readonly StepRecord[]): Promise<void> {
    await this.stepsLog.append(
      records.map((record) => [
        ...[record.step, record.epoch, record.batch, record.loss, record.learningRate],
        record.gradientNorm ?? "",
        ...[record.gammaNeg, record.pPlus, record.pMinus],
      ]),
    );
    await this.events.append(
      records.map(({ step, loss, learningRate, gradientNorm, gammaNeg, pPlus, pMinus }) =>
        event(step, {
          "train/loss": loss,
          "train/learning_rate": learningRate,
          ...(gradientNorm === undefined ? {} : { "train/gradient_norm": gradientNorm }),
          "balance/gamma_neg": gammaNeg,
          "balance/p_plus": pPlus,
          "balance/p_minus": pMinus,
        }),
      ),
    );
  }

  async epoch({ epoch, step, loss, learningRate, imagesPerSecond, seconds, reports }: EpochRecord): Promise<void> {
    await this.metricsLog.append([
      [
        ...[epoch, step, loss, learningRate],
        ...reports.map((report) => report?.mAP ?? ""),
        ...reports.map((report) => report?.mAPPresent ?? ""),
        ...[imagesPerSecond.toFixed(2), seconds.toFixed(1)],
      ],
    ]);
    const [regular, ema] = reports;
    await this.events.append([
      event(step, {
        [EPOCH_TAG]: epoch,
        "train/epoch_loss": loss,
        "train/images_per_second": imagesPerSecond,
        ...validationScalars("validation", regular),
        ...validationScalars("validation_EMA", ema),
      }),
    ]);
  }
}

const EPOCH_TAG = "train/epoch";

function validationScalars(group: string, report: ValidationReport | undefined): Record<string, number> {
  if (report === undefined) return {};
  const { mAP, mAPPresent, CF1, OF1 } = report;
  return Object.fromEntries(
    Object.entries({ mAP, mAPPresent, CF1, OF1 }).map(([name, value]) => [`${group}/${name}`, value]),
  );
}

const event = (step: number, scalars: Readonly<Record<string, number>>): ScalarEvent => ({
  ...{ step, wallTime: now() },
  scalars: Object.fromEntries(Object.entries(scalars).filter(([, value]) => !Number.isNaN(value))),
});
