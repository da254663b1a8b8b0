import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type JsonObject, readSnapshot, type Snapshot, writeAtomically, writeSnapshot } from "asl-checkpoint";
import { CsvLog } from "./csv-log.js";
import { RunDirectoryError } from "./errors.js";

/** The files of a run, inside its folder. */
export const RUN_FILES = {
  best: "best.safetensors",
  bestEma: "best-ema.safetensors",
  snapshot: "last.snapshot",
  metrics: "metrics.csv",
  steps: "steps.csv",
  recipe: "recipe.json",
  summary: "summary.json",
} as const;

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

/** The folder of one training run. */
export class RunDirectory {
  private constructor(readonly folder: string) {}

  /**
   * Makes the folder, or opens one that has no run in it; with `resume`, one that has.
   * @throws RunDirectoryError when it holds a run and `resume` is false, or cannot be made
   */
  static async open(folder: string, resume: boolean): Promise<RunDirectory> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw new RunDirectoryError(folder, `cannot be used as the folder of a run: ${whyNotMade(error)}`, {
        cause: error,
      });
    }
    const directory = new RunDirectory(folder);
    if (!resume && (await directory.hasSnapshot())) {
      throw new RunDirectoryError(
        folder,
        `holds an earlier run (${RUN_FILES.snapshot}). Continue it with --resume, or choose another folder`,
      );
    }
    return directory;
  }

  path(file: keyof typeof RUN_FILES): string {
    return join(this.folder, RUN_FILES[file]);
  }

  async hasSnapshot(): Promise<boolean> {
    const found = await stat(this.path("snapshot")).catch(() => undefined);
    return found !== undefined;
  }

  /** The logs, cut back to the given number of finished steps and epochs. */
  async openLogs(done: {
    readonly steps: number;
    readonly epochs: number;
  }): Promise<{ metrics: CsvLog; steps: CsvLog }> {
    const first = (row: readonly string[]) => Number(row[0]);
    return {
      metrics: await CsvLog.open(this.path("metrics"), METRICS_COLUMNS, (row) => first(row) <= done.epochs),
      steps: await CsvLog.open(this.path("steps"), STEPS_COLUMNS, (row) => first(row) <= done.steps),
    };
  }

  readSnapshot(): Promise<Snapshot> {
    return readSnapshot(this.path("snapshot"));
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return writeSnapshot(this.path("snapshot"), snapshot);
  }

  async writeJson(file: "recipe" | "summary", value: JsonObject): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
    await writeAtomically(this.path(file), (writer) => writer.write(bytes, 0));
  }
}

function whyNotMade(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // mkdir makes missing parents itself, so on a read-only disk Node reports this, misleadingly
  if (code === "ENOENT") return `it cannot be made; is the disk read-only? (${message})`;
  return code === "EEXIST" ? "a file stands in its place" : message;
}
