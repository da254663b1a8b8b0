import type { JsonObject } from "asl-checkpoint";
import type { CommandContext } from "asl-cli";
import { InputError } from "asl-core";
import { type AugmentOptions, createLoader, type Dataset, type Loader, type LoaderOptions } from "asl-data";
import { augmentationOf } from "./augmentation.js";
import type { TrainOptions } from "./command.js";

const CACHE_LIMIT = 2 ** 30;

export interface Loaders {
  readonly training: Loader;
  readonly validation: Loader | undefined;
  readonly description: JsonObject;
}

/** Throws InputError when the training pictures do not fill a batch. */
export function createLoaders(
  options: TrainOptions,
  imageSize: number,
  datasets: { readonly training: Dataset; readonly validation: Dataset | undefined },
  { report }: CommandContext,
): Loaders {
  const { batchSize, seed, workers } = options;
  const { training, validation } = datasets;
  if (training.items.length < batchSize) {
    throw new InputError(
      `${training.items.length} training pictures do not fill one batch of ${batchSize}; ` +
        `use --batch-size ${training.items.length} or less`,
    );
  }
  const augment = augmentationOf(options);
  const skips = options.skipCorrupt === true;
  const common = ({ items }: Dataset): LoaderOptions => ({
    imageSize,
    batchSize,
    filter: "bilinear",
    cache: cacheFor(options.cache, items.length * 3 * imageSize ** 2),
    onCorrupt: skips ? "skip" : "fail",
    onSkip: ({ error }) => report.warn(`${error.message}; left out`),
    ...(workers === undefined ? {} : { workers }),
  });
  return {
    training: createLoader(training, {
      ...common(training),
      shuffle: { seed },
      augment,
      lastBatch: "drop",
    }),
    validation:
      validation === undefined ? undefined : createLoader(validation, { ...common(validation), lastBatch: "pad" }),
    description: { augmentation: describedAugmentation(augment), skipCorrupt: skips },
  };
}

/** As JSON; the seed is in the recipe. */
function describedAugmentation(augment: AugmentOptions | false): JsonObject {
  if (augment === false) return { steps: [], mixing: null };
  return { steps: augment.steps.map(({ ...step }) => ({ ...step })), mixing: { ...augment.mixing } };
}

function cacheFor(choice: TrainOptions["cache"], bytes: number): "memory" | "none" {
  return choice === "auto" ? (bytes <= CACHE_LIMIT ? "memory" : "none") : choice;
}
