import { UsageError } from "asl-cli";
import type { AugmentationStep, AugmentOptions, MixingStep } from "asl-data";
import type { TrainOptions } from "./command.js";

/** What happens to training pictures: as data, for the worker threads and for the run's recipe. */
export function augmentationOf(options: TrainOptions): AugmentOptions | false {
  const { augment, flip, cutout, randAugment, seed } = options;
  if (augment === false) return false;
  // as in the official recipe RandAugment comes last unless --augment says otherwise
  const names = randAugment === undefined || augment.includes("rand-augment") ? augment : [...augment, "rand-augment"];
  const steps = names.flatMap((name): AugmentationStep[] => {
    switch (name) {
      case "flip":
        return flip ? [{ kind: "horizontalFlip" }] : [];
      case "cutout":
        return cutout > 0 ? [{ kind: "cutout", fraction: cutout }] : [];
      default:
        return [{ kind: "randAugment", ...(randAugment ?? { operations: 2, magnitude: 9 }) }];
    }
  });
  const mixing = mixingOf(options);
  if (steps.length === 0 && mixing === undefined) return false;
  return { seed, steps, ...(mixing === undefined ? {} : { mixing }) };
}

export function mixingOf({ mixup, cutmix, cutmixTargets }: TrainOptions): MixingStep | undefined {
  if (mixup !== undefined && cutmix !== undefined) {
    throw new UsageError("--mixup and --cutmix exclude each other; choose one");
  }
  if (cutmixTargets !== undefined && cutmix === undefined)
    throw new UsageError("--cutmix-targets needs --cutmix ALPHA");
  if (mixup !== undefined) return { kind: "mixUp", alpha: mixup };
  if (cutmix === undefined) return undefined;
  return { kind: "cutMix", alpha: cutmix, ...(cutmixTargets === undefined ? {} : { targets: cutmixTargets }) };
}
