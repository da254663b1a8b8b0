import type { LabelStatistics } from "./label-statistics.js";
import type { PictureCheck } from "./picture-check.js";

/** Settings to begin with, and why. Rules of thumb: nothing of it was measured on this dataset. */
export interface Suggestion {
  readonly gammaNeg: number;
  readonly gammaPos: number;
  readonly clip: number;
  /** Null when no picture was looked at. */
  readonly imageSize: number | null;
  readonly reasons: readonly string[];
}

/** Sizes that TResNets are published for, and smaller ones for small pictures. */
const SIZES = [64, 96, 128, 160, 192, 224, 288, 320, 384, 448, 640];

/**
 * Asymmetric focusing pays where negatives outnumber positives: the paper uses gammaNeg 4, gammaPos 0, clip 0.05 on
 * MS-COCO (2.9 of 80 classes per picture: 27 negatives per positive), PASCAL-VOC and NUS-WIDE. Nearly balanced labels
 * leave little to down-weight.
 */
export function suggest(labels: LabelStatistics, pictures: PictureCheck | undefined): Suggestion {
  const reasons: string[] = [];
  const ratio = labels.negativesPerPositive;
  const focusing = focusingFor(ratio);
  reasons.push(`${focusing.why} (${ratio.toFixed(1)} negatives per positive)`);
  if (labels.partial) {
    reasons.push(
      "some classes were not looked for on some pictures: --unannotated ignore (the default) gives them no loss",
    );
  }
  const shorter = pictures?.shorterSide;
  let imageSize: number | null = null;
  if (shorter != null) {
    imageSize = SIZES.filter((size) => size <= shorter.median).at(-1) ?? SIZES[0]!;
    reasons.push(
      `image size ${imageSize}: the largest usual size that does not enlarge most pictures (the median of their shorter ` +
        `sides is ${shorter.median} px); half of it trains about four times as fast`,
    );
  }
  const { gammaNeg, gammaPos, clip } = focusing;
  return { gammaNeg, gammaPos, clip, imageSize, reasons };
}

function focusingFor(ratio: number) {
  if (ratio < 3) {
    return {
      gammaNeg: 0,
      gammaPos: 0,
      clip: 0,
      why: "gamma-neg 0, gamma-pos 0, clip 0 (cross-entropy): labels are nearly balanced",
    };
  }
  if (ratio < 10) {
    return {
      gammaNeg: 2,
      gammaPos: 0,
      clip: 0.05,
      why: "gamma-neg 2, gamma-pos 0, clip 0.05: fewer negatives than in the paper's datasets",
    };
  }
  return {
    gammaNeg: 4,
    gammaPos: 0,
    clip: 0.05,
    why: "gamma-neg 4, gamma-pos 0, clip 0.05: as in the paper, whose MS-COCO has about 27",
  };
}
