import { join } from "node:path";
import { RUN_FILES } from "asl-training";
import { requireFolder, textIfThere } from "./run-files.js";

/** An epoch of metrics.csv; mAP in percent, null without validation pictures. */
export interface EpochPoint {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly mAP: number | null;
  readonly mAPEma: number | null;
}

/** A step of steps.csv, or the mean of several. */
export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gammaNeg: number;
  /** Mean probability of positives; null when the steps had none. */
  readonly pPositive: number | null;
  /** Mean of 1 - p of negatives. */
  readonly pNegative: number;
}

export interface RunLogs {
  readonly epochs: readonly EpochPoint[];
  readonly steps: readonly StepPoint[];
}

/** Points that a chart of a few hundred pixels can show. */
const MOST_POINTS = 200;

/**
 * The logs of a run's folder; a file that is not there yet is empty. Neighbouring steps are put together to at most 200
 * points. Throws RunDirectoryError when there is no such folder.
 */
export async function readRunLogs(folder: string): Promise<RunLogs> {
  await requireFolder(folder);
  const epochs = rowsOf((await textIfThere(join(folder, RUN_FILES.metrics))) ?? "");
  const steps = rowsOf((await textIfThere(join(folder, RUN_FILES.steps))) ?? "");
  return {
    epochs: epochs.map((row) => ({
      epoch: Number(row.epoch),
      step: Number(row.step),
      loss: Number(row.loss),
      mAP: numberOrNull(row.mAP),
      mAPEma: numberOrNull(row.mAP_EMA),
    })),
    steps: grouped(steps, Math.ceil(steps.length / MOST_POINTS)).map(stepPoint),
  };
}

function stepPoint(rows: readonly Row[]): StepPoint {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const column = (name: string) => rows.map((row) => Number(row[name]));
  // a step without positives says 0, which no probability is
  const positives = column("p_plus").filter((p) => p > 0);
  return {
    step: Number(rows.at(-1)!.step),
    loss: mean(column("loss")),
    learningRate: mean(column("learning_rate")),
    gammaNeg: mean(column("gamma_neg")),
    pPositive: positives.length === 0 ? null : mean(positives),
    pNegative: mean(column("p_minus")),
  };
}

type Row = Readonly<Record<string, string>>;

function rowsOf(csv: string): Row[] {
  const [head = "", ...lines] = csv.split("\n").slice(0, -1);
  const names = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, column) => [names[column]!, cell])));
}

const numberOrNull = (text: string | undefined) => (text === undefined || text === "" ? null : Number(text));

function grouped<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: size === 0 ? 0 : Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
