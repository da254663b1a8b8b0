import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type JsonObject, readSnapshot, type Snapshot, writeAtomically, writeSnapshot } from "asl-checkpoint";
import { RunDirectoryError } from "./errors.js";
import { TrainingLogs } from "./tracking/training-logs.js";

/** The files of a run, inside its folder. */
export const RUN_FILES = {
  best: "best.safetensors",
  bestEma: "best-ema.safetensors",
  snapshot: "last.snapshot",
  predictions: "best-predictions.safetensors",
  predictionsEma: "best-ema-predictions.safetensors",
  metrics: "metrics.csv",
  steps: "steps.csv",
  /** For TensorBoard, which looks for "tfevents". */
  events: "events.out.tfevents.asl",
  recipe: "recipe.json",
  summary: "summary.json",
  /** The page that asl-report makes of the others. */
  report: "report.html",
} as const;

/** The folder of one training run. */
export class RunDirectory {
  private constructor(readonly folder: string) {}

  /**
   * Makes the folder, or opens one that has no run in it; with `resume`, one that has.
   * @throws RunDirectoryError when it holds a run or its weights and `resume` is false, or cannot be made
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
    if (resume) return directory;
    if (await directory.hasSnapshot()) {
      throw new RunDirectoryError(
        folder,
        `holds an earlier run (${RUN_FILES.snapshot}). Continue it with --resume, or choose another folder`,
      );
    }
    for (const file of ["best", "bestEma"] as const) {
      if (!(await isThere(directory.path(file)))) continue;
      // of a run whose large snapshot was removed: its result must not be lost to the next one
      throw new RunDirectoryError(
        folder,
        `holds the weights of an earlier run (${RUN_FILES[file]}), without its snapshot. Choose another folder, or replace them with --resume, which begins anew here`,
      );
    }
    return directory;
  }

  path(file: keyof typeof RUN_FILES): string {
    return join(this.folder, RUN_FILES[file]);
  }

  hasSnapshot(): Promise<boolean> {
    return isThere(this.path("snapshot"));
  }

  /** The logs, cut back to the given number of finished steps and epochs. */
  openLogs(done: { readonly steps: number; readonly epochs: number }): Promise<TrainingLogs> {
    const [metrics, steps, events] = [this.path("metrics"), this.path("steps"), this.path("events")];
    return TrainingLogs.open({ metrics, steps, events }, done);
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

const isThere = async (file: string): Promise<boolean> => (await stat(file).catch(() => undefined)) !== undefined;

function whyNotMade(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // mkdir makes missing parents itself, so on a read-only disk Node reports this, misleadingly
  if (code === "ENOENT") return `it cannot be made; is the disk read-only? (${message})`;
  return code === "EEXIST" ? "a file stands in its place" : message;
}
