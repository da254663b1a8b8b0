import type { FusionRule } from "../lower/fusion.js";
import { oneOrSlope } from "./activation.js";
import { batchNormAgain, batchNormTraining, channelAffine } from "./batch-norm.js";
import { blockedConvolution } from "./blocked-convolution.js";
import { fewPositions } from "./few-positions.js";
import { lookupsAtOnce } from "./lookups.js";
import { separableProducts } from "./separable.js";
import { STANDARD_FUSIONS } from "./standard.js";

/** What a session may use beside standard ONNX. */
export interface RuntimeFeatures {
  /** Channels per block of blocked convolutions; undefined where there are none. */
  readonly blockSize: number | undefined;
}

/** Forms for graphs that run now on this machine: standard operators and those of ONNX Runtime. */
export function sessionFusions({ blockSize }: RuntimeFeatures): readonly FusionRule[] {
  const blocked = blockSize === undefined ? [] : [blockedConvolution(blockSize)];
  return [
    separableProducts,
    fewPositions,
    ...blocked,
    batchNormTraining,
    batchNormAgain,
    channelAffine,
    oneOrSlope,
    lookupsAtOnce,
    ...STANDARD_FUSIONS,
  ];
}
