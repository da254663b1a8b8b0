import { COCO_CLASSES, nameClasses, type Reporter, readClassNames } from "asl-cli";
import { DEFAULT_THRESHOLD, loadPredictions, type Predictions } from "asl-training";
import type { ValidateOptions } from "./command.js";

/** Scores and targets of a file, and the threshold to use. */
export async function savedPredictions(
  file: string,
  options: ValidateOptions,
  report: Reporter,
): Promise<{ predictions: Predictions; threshold: number | readonly number[] }> {
  const given = options.classes === undefined ? undefined : await readClassNames(options.classes);
  const { scoresKey, targetsKey } = options;
  const predictions = await loadPredictions(file, {
    ...(scoresKey === undefined ? {} : { scoresKey }),
    ...(targetsKey === undefined ? {} : { targetsKey }),
    nameClasses: (count) => {
      const { names, from } = nameClasses(count, { file, given, stored: null });
      if (from === "coco")
        report.note(`${file} names no classes; having ${COCO_CLASSES.length}, they are taken to be COCO's`);
      return names;
    },
  });
  return { predictions, threshold: options.threshold ?? predictions.thresholds ?? DEFAULT_THRESHOLD };
}
