import type { Random } from "asl-core";
import { InputError } from "asl-core";
import type { Picture } from "./picture.js";

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

/** An augmentation as data, so that it can be sent to worker threads and written into a run's recipe. */
export type AugmentationStep = HorizontalFlip | Cutout;

/** The steps as one augmentation, applied in their order. Throws InputError for an unknown step or a bad setting. */
export function augmentationOf(steps: readonly AugmentationStep[]): Augmentation {
  const augmentations = steps.map(instantiate);
  return (picture, random) => augmentations.reduce((result, augmentation) => augmentation(result, random), picture);
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
    default: {
      const { kind } = step as { kind: unknown };
      throw new InputError(`augmentation: unknown step "${String(kind)}"; expected "horizontalFlip" or "cutout"`);
    }
  }
}

function inUnit(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new InputError(`${name} must be in 0 .. 1; got ${value}`);
  return value;
}

export function flipHorizontally({ width, height, data }: Picture): Picture {
  const flipped = new Uint8Array(data.length);
  const stride = width * 3;
  for (let row = 0; row < data.length; row += stride) {
    for (let from = row, to = row + stride - 3; to >= row; from += 3, to -= 3) {
      flipped[to] = data[from]!;
      flipped[to + 1] = data[from + 1]!;
      flipped[to + 2] = data[from + 2]!;
    }
  }
  return { width, height, data: flipped };
}

function cutOut({ width, height, data }: Picture, fraction: number, random: Random): Picture {
  const cutWidth = Math.floor(fraction * width + 0.5);
  const cutHeight = Math.floor(fraction * height + 0.5);
  const left = random.integer(width) - Math.floor(cutWidth / 2);
  const top = random.integer(height) - Math.floor(cutHeight / 2);
  const colour = [random.integer(256), random.integer(256), random.integer(256)] as const;
  const cut = data.slice();
  const right = Math.min(width, left + cutWidth);
  const bottom = Math.min(height, top + cutHeight);
  for (let y = Math.max(0, top); y < bottom; y++) {
    for (let x = Math.max(0, left), at = (y * width + x) * 3; x < right; x++, at += 3) {
      cut[at] = colour[0];
      cut[at + 1] = colour[1];
      cut[at + 2] = colour[2];
    }
  }
  return { width, height, data: cut };
}
