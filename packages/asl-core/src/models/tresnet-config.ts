import { InputError } from "../errors/errors.js";

/** Residual blocks per stage. */
export type StageBlocks = readonly [number, number, number, number];

export interface TresnetConfig {
  readonly blocks: StageBlocks;
  /** Channels of the stem; 64 is width 1.0. Stages have planes x (1, 2, 4, 8), times 4 after a Bottleneck. */
  readonly planes: number;
  /** How many leading stages use BasicBlock: 2, or 0 in V2-L. */
  readonly basicStages: 0 | 2;
  readonly classes: number;
  /** Features of the bottleneck head (OpenImages: 512); undefined: one linear layer. */
  readonly headFeatures?: number;
}

export type TresnetVariant = "tresnet_m" | "tresnet_l" | "tresnet_xl" | "tresnet_v2_l";

type Architecture = Pick<TresnetConfig, "blocks" | "planes" | "basicStages">;

/** planes = floor(64 * width factor). Ridnik et al. 2021, table 2; V2-L as in timm. */
export const TRESNETS: Readonly<Record<TresnetVariant, Architecture>> = {
  tresnet_m: { blocks: [3, 4, 11, 3], planes: 64, basicStages: 2 },
  tresnet_l: { blocks: [4, 5, 18, 3], planes: 76, basicStages: 2 },
  tresnet_xl: { blocks: [4, 5, 24, 3], planes: 83, basicStages: 2 },
  tresnet_v2_l: { blocks: [3, 4, 23, 3], planes: 64, basicStages: 0 },
};

export interface TresnetOptions {
  readonly classes: number;
  readonly blocks?: StageBlocks;
  /** Replaces the variant's width: planes = floor(64 * widthFactor). */
  readonly widthFactor?: number;
  readonly headFeatures?: number;
}

/** The configuration of a named variant, any part replaced. Throws InputError for values that make no network. */
export function tresnetConfig(variant: TresnetVariant, options: TresnetOptions): TresnetConfig {
  const base = TRESNETS[variant];
  const planes = options.widthFactor === undefined ? base.planes : Math.floor(64 * options.widthFactor);
  const config: TresnetConfig = {
    blocks: options.blocks ?? base.blocks,
    planes,
    basicStages: base.basicStages,
    classes: options.classes,
    ...(options.headFeatures === undefined ? {} : { headFeatures: options.headFeatures }),
  };
  checkTresnetConfig(config);
  return config;
}

/** Throws InputError naming the first field that makes no network. */
export function checkTresnetConfig({ blocks, planes, classes, headFeatures }: TresnetConfig): void {
  const positive = (value: number) => Number.isInteger(value) && value >= 1;
  if (blocks.length !== 4 || !blocks.every(positive)) {
    throw new InputError(`tresnet: blocks must be four whole numbers >= 1; got [${blocks.join(",")}]`);
  }
  if (!positive(planes))
    throw new InputError(`tresnet: planes (64 x width) must be a whole number >= 1; got ${planes}`);
  if (!positive(classes)) throw new InputError(`tresnet: classes must be a whole number >= 1; got ${classes}`);
  if (headFeatures !== undefined && !positive(headFeatures)) {
    throw new InputError(`tresnet: headFeatures must be a whole number >= 1; got ${headFeatures}`);
  }
}

/** Below this the last stage's blur-pool has a single pixel and nothing to reflect. */
const LEAST_IMAGE_SIZE = 20;

/** Throws InputError unless pictures of size x size pixels fit the network: multiples of 4, at least 20. */
export function checkImageSize(size: number): void {
  if (!Number.isInteger(size) || size % 4 !== 0 || size < LEAST_IMAGE_SIZE) {
    throw new InputError(
      `image size must be a multiple of 4, at least ${LEAST_IMAGE_SIZE} (TResNet's stem takes 4x4 blocks); got ${size}` +
        (Number.isFinite(size) && size > LEAST_IMAGE_SIZE
          ? `; nearest: ${Math.floor(size / 4) * 4} or ${Math.ceil(size / 4) * 4}`
          : ""),
    );
  }
}
