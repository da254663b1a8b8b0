import type { TresnetConfig } from "asl-core";

export interface GoldenNetwork {
  /** Folder under fixtures/models. */
  readonly name: string;
  readonly config: TresnetConfig;
  readonly checkpoints: readonly string[];
}

/** The two small networks whose numbers the official implementation gave. */
export const NETWORKS: readonly GoldenNetwork[] = [
  {
    name: "tresnet_tiny",
    config: { blocks: [2, 2, 2, 1], planes: 8, basicStages: 2, classes: 20 },
    checkpoints: ["checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_timm.safetensors"],
  },
  {
    name: "tresnet_tiny_bottleneck_head",
    config: { blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 40, headFeatures: 32 },
    checkpoints: ["checkpoint.pth", "checkpoint_legacy.pth"],
  },
];
