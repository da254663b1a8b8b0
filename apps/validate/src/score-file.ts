import { COCO_CLASSES, type CommandContext, nameClasses, readClassNames, readTextFile, UsageError } from "asl-cli";
import { DEFAULT_THRESHOLD, evaluateScoreFile, openScoreFile, type ValidationReport } from "asl-training";
import type { ValidateOptions } from "./command.js";

/** Options that say how a file larger than memory is read. */
const ONLY_WITH_MEMORY = ["targets", "annotated", "pictures", "unlisted", "shape"] as const;

/** Options that need all scores in memory at once. */
const ONLY_WITHOUT_MEMORY = ["bootstrap", "compare", "calibrate", "report"] as const;

/** Throws UsageError for an option of score files without --memory, and for one that --memory cannot serve. */
export function checkScoreFileOptions(options: ValidateOptions): void {
  if (options.memory !== undefined) {
    const refused = ONLY_WITHOUT_MEMORY.find((name) => options[name] !== undefined);
    if (refused !== undefined) throw new UsageError(`--${refused} needs all scores at once: it goes without --memory`);
    return;
  }
  const given = ONLY_WITH_MEMORY.find((name) => options[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} goes with --memory SIZE`);
}

/** Measures scores in a file that is larger than memory. */
export async function evaluateInBlocks(
  file: string,
  memory: number,
  options: ValidateOptions,
  { report, signal }: CommandContext,
): Promise<ValidationReport> {
  const { scoresKey, targetsKey, targets, annotated, unlisted, shape, dtype, threshold } = options;
  const given = options.classes === undefined ? undefined : await readClassNames(options.classes);
  const pictures = options.pictures === undefined ? undefined : await readLines(options.pictures);
  using opened = await openScoreFile(file, {
    ...(scoresKey === undefined ? {} : { scoresKey }),
    ...(targetsKey === undefined ? {} : { targetsKey }),
    ...(targets === undefined ? {} : { targets }),
    ...(annotated === undefined ? {} : { annotated }),
    ...(unlisted === undefined ? {} : { unlisted }),
    ...(pictures === undefined ? {} : { pictures }),
    ...(shape === undefined
      ? {}
      : { raw: { rows: shape[0], columns: shape[1], elementType: dtype === "f16" ? "F16" : "F32" } }),
    nameClasses: (count, stored) => {
      const { names, from } = nameClasses(count, { file, given, stored });
      if (from === "coco")
        report.note(`${file} names no classes; having ${COCO_CLASSES.length}, they are taken to be COCO's`);
      return names;
    },
  });
  const progress = report.progress({ label: "mAP", total: opened.classNames.length, unit: "classes" });
  try {
    return await evaluateScoreFile({
      ...opened,
      threshold: threshold ?? opened.thresholds ?? DEFAULT_THRESHOLD,
      memory,
      signal,
      onProgress: (done) => progress.update(done),
    });
  } finally {
    progress.stop();
  }
}

async function readLines(file: string): Promise<readonly string[]> {
  const lines = (await readTextFile(file)).split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
