import type { Random } from "asl-core";
import { InputError } from "asl-core";
import type { Picture } from "../picture.js";
import { recycleBetween } from "../pixel-pool.js";
import type { GeometryOptions } from "./affine.js";
import { cutOut } from "./cutout.js";
import { flipHorizontally } from "./flip.js";
import { MAX_MAGNITUDE, randAugment } from "./rand-augment.js";

/** Changes a picture at random; pure: the given picture stays as it is, and the same random state gives the same result. */
export type Augmentation = (picture: Picture, random: Random) => Picture;

/** Mirrors left and right with this probability (default 0.5). */
export interface HorizontalFlip {
  readonly kind: "horizontalFlip";
  readonly probability?: number;
}

/**
 * Cutout (DeVries and Taylor, 2017) as in the ASL recipe: one rectangle of `fraction` of each side (default 0.5),
 * centred on a random pixel, cut off at the border, filled with one random colour.
 */
export interface Cutout {
  readonly kind: "cutout";
  readonly fraction?: number;
}

/**
 * RandAugment (Cubuk et al. 2020): N random operations of 14 (default 2) at magnitude M in 0 .. 30 (default 9), the
 * values of its ImageNet experiments. Pixels from outside are grey (128) by default, as in its reference code.
 */
export interface RandAugment extends GeometryOptions {
  readonly kind: "randAugment";
  readonly operations?: number;
  readonly magnitude?: number;
}

/** An augmentation as data, so that it can be sent to worker threads and written into a run's recipe. */
export type AugmentationStep = HorizontalFlip | Cutout | RandAugment;

/** The steps as one augmentation, applied in their order. Throws InputError for an unknown step or a bad setting. */
export function augmentationOf(steps: readonly AugmentationStep[]): Augmentation {
  const augmentations = steps.map(instantiate);
  return (picture, random) =>
    augmentations.reduce((before, augmentation) => {
      const result = augmentation(before, random);
      recycleBetween(before.data, picture.data, result.data);
      return result;
    }, picture);
}

function instantiate(step: AugmentationStep): Augmentation {
  switch (step.kind) {
    case "horizontalFlip": {
      const probability = inUnit("horizontalFlip: probability", step.probability ?? 0.5);
      return (picture, random) => (random.chance(probability) ? flipHorizontally(picture) : picture);
    }
    case "cutout": {
      const fraction = inUnit("cutout: fraction", step.fraction ?? 0.5);
      return (picture, random) => cutOut(picture, fraction, random);
    }
    case "randAugment": {
      const settings = randAugmentSettings(step);
      return (picture, random) => randAugment(picture, random, settings);
    }
    default: {
      const { kind } = step as { kind: unknown };
      throw new InputError(
        `augmentation: unknown step "${String(kind)}"; expected "horizontalFlip", "cutout" or "randAugment"`,
      );
    }
  }
}

function inUnit(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new InputError(`${name} must be in 0 .. 1; got ${value}`);
  return value;
}

function randAugmentSettings({
  operations = 2,
  magnitude = 9,
  interpolation = "nearest",
  fill = [128, 128, 128],
}: RandAugment): Parameters<typeof randAugment>[2] {
  if (!Number.isInteger(operations) || operations < 0) {
    throw new InputError(`randAugment: operations must be a whole number from 0 on; got ${operations}`);
  }
  if (!(magnitude >= 0 && magnitude <= MAX_MAGNITUDE)) {
    throw new InputError(`randAugment: magnitude must be in 0 .. ${MAX_MAGNITUDE}; got ${magnitude}`);
  }
  if (interpolation !== "nearest" && interpolation !== "bilinear") {
    throw new InputError(`randAugment: interpolation must be "nearest" or "bilinear"; got "${String(interpolation)}"`);
  }
  if (fill.length !== 3 || !fill.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) {
    throw new InputError(`randAugment: fill must be three whole numbers in 0 .. 255; got ${JSON.stringify(fill)}`);
  }
  return { operations, magnitude, interpolation, fill };
}
