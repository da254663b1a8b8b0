import type { Random } from "asl-core";
import type { Picture } from "../picture.js";
import { recycleBetween } from "../pixel-pool.js";
import { type GeometryOptions, rotate, transformAffine } from "./affine.js";
import { adjustBrightness, adjustColor, adjustContrast, adjustSharpness } from "./enhance.js";
import { autocontrast, equalize, posterize, solarize } from "./tables.js";

/** The largest magnitude M. */
export const MAX_MAGNITUDE = 30;

/** `share` = M / 30 in [0, 1]; `sign` is -1 or 1 and turns what has a direction. */
type Operation = (picture: Picture, share: number, sign: -1 | 1, options: GeometryOptions) => Picture;

/**
 * The 14 operations of RandAugment (Cubuk, Zoph, Shlens and Le 2020, section 3), at M = 30 at the end of the ranges
 * of AutoAugment (Cubuk et al. 2019, table 6): rotation 30 degrees, solarize threshold 256 .. 0, enhancements 0.1 or
 * 1.9, posterize 4 bits, shear 0.3, translation 150 of 331 pixels; linear in M. torchvision's table is the same, but
 * for its solarize threshold, which starts at 255 and so blackens white at M = 0.
 */
const OPERATIONS = {
  identity: (picture) => picture,
  autocontrast: (picture) => autocontrast(picture),
  equalize: (picture) => equalize(picture),
  rotate: (picture, share, sign, options) => rotate(picture, sign * 30 * share, options),
  solarize: (picture, share) => solarize(picture, 256 * (1 - share)),
  color: (picture, share, sign) => adjustColor(picture, 1 + sign * 0.9 * share),
  posterize: (picture, share) => posterize(picture, 8 - Math.round(4 * share)),
  contrast: (picture, share, sign) => adjustContrast(picture, 1 + sign * 0.9 * share),
  brightness: (picture, share, sign) => adjustBrightness(picture, 1 + sign * 0.9 * share),
  sharpness: (picture, share, sign) => adjustSharpness(picture, 1 + sign * 0.9 * share),
  shearX: (picture, share, sign, options) => transformAffine(picture, [1, sign * 0.3 * share, 0, 0, 1, 0], options),
  shearY: (picture, share, sign, options) => transformAffine(picture, [1, 0, 0, sign * 0.3 * share, 1, 0], options),
  translateX: (picture, share, sign, options) =>
    transformAffine(picture, [1, 0, sign * shift(picture.width, share), 0, 1, 0], options),
  translateY: (picture, share, sign, options) =>
    transformAffine(picture, [1, 0, 0, 0, 1, sign * shift(picture.height, share)], options),
} as const satisfies Readonly<Record<string, Operation>>;

/** Whole pixels: a translation does not blur. */
const shift = (side: number, share: number) => Math.trunc((150 / 331) * side * share);

export type RandAugmentOperation = keyof typeof OPERATIONS;

export const RAND_AUGMENT_OPERATIONS = Object.keys(OPERATIONS) as readonly RandAugmentOperation[];

/**
 * One operation at magnitude M in 0 .. 30. The result has the bytes that Pillow's function of that name gives;
 * `sign` chooses the direction of those that have one. The picture itself is not changed, and may be the result.
 */
export function applyOperation(
  picture: Picture,
  operation: RandAugmentOperation,
  magnitude: number,
  sign: -1 | 1 = 1,
  options: GeometryOptions = {},
): Picture {
  return OPERATIONS[operation](picture, magnitude / MAX_MAGNITUDE, sign, options);
}

/** N operations, each uniform among the 14 and in a random direction, at magnitude M. Cubuk et al. 2020, figure 2. */
export function randAugment(
  picture: Picture,
  random: Random,
  { operations, magnitude, ...options }: { readonly operations: number; readonly magnitude: number } & GeometryOptions,
): Picture {
  let result = picture;
  for (let i = 0; i < operations; i++) {
    const operation = random.pick(RAND_AUGMENT_OPERATIONS);
    // drawn for every operation, so that what comes later does not depend on which one it is
    const sign = random.chance(0.5) ? 1 : -1;
    const before = result;
    result = applyOperation(before, operation, magnitude, sign, options);
    recycleBetween(before.data, picture.data, result.data);
  }
  return result;
}
