import { fewInThisThread } from "asl-cli";
import { createLoader, type SkippedPicture } from "asl-data";
import type { Classifier } from "./classifier.js";
import { timed } from "./timed.js";

export interface ScoredPicture {
  readonly file: string;
  /** Probabilities in class order. */
  readonly scores: readonly number[];
}

export interface ScoreOptions {
  /** Told of every picture that cannot be read, in order. */
  readonly onSkip: (skipped: SkippedPicture) => void;
  readonly signal: AbortSignal;
}

/** Scores pictures in their order, a batch at a time; pictures that cannot be read are left out. */
export async function* scorePictures(
  classifier: Classifier,
  files: readonly string[],
  { onSkip, signal }: ScoreOptions,
): AsyncGenerator<readonly ScoredPicture[]> {
  const { classNames, imageSize, resizeFilter, batchSize } = classifier;
  const items = files.map((file) => ({ name: file, file, labels: [] }));
  await using loader = createLoader(
    { classes: classNames, items },
    {
      ...{ imageSize, batchSize, filter: resizeFilter, onCorrupt: "skip", onSkip, signal },
      ...fewInThisThread({ items }),
    },
  );
  let isFirst = true;
  for await (const { images, names } of loader.epoch(0)) {
    if (names.length === 0) continue;
    const run = () => classifier.scores(images, names);
    const scores = await (isFirst ? timed("run", run) : run());
    isFirst = false;
    const classes = classNames.length;
    yield names.map((file, row) => ({
      file,
      scores: Array.from({ length: classes }, (_, index) => scores[row * classes + index]!),
    }));
  }
}
