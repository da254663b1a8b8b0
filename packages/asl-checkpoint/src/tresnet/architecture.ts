import {
  InputError,
  type TresnetVariant as NamedVariant,
  type Shape,
  type Tensors,
  TRESNETS,
  type TresnetConfig,
} from "asl-core";
import { CheckpointError } from "../errors.js";

const VARIANTS = ["tresnet_m", "tresnet_l", "tresnet_xl", "tresnet_v2_l"] as const satisfies readonly NamedVariant[];

/** "custom": other blocks or another width. */
export type TresnetVariant = NamedVariant | "custom";

export type BlockKind = "basic" | "bottleneck";

/** What the names and shapes of a state dict say about the network. */
export interface TresnetArchitecture {
  readonly variant: TresnetVariant;
  /** Blocks of layer1 to layer4. */
  readonly blocks: readonly [number, number, number, number];
  /** Channels of the stem, floor(64 * widthFactor): the truth about the width. */
  readonly planes: number;
  /** 1, 1.2 and 1.3 for the known variants, else planes / 64, which gives the same planes. */
  readonly widthFactor: number;
  readonly stages: readonly [BlockKind, BlockKind, BlockKind, BlockKind];
  /** null: the file has no head. */
  readonly numClasses: number | null;
  /** The OpenImages head (linear to `features`, linear), or false for the linear one. */
  readonly bottleneckHead: false | { readonly features: number };
}

/** planes = floor(64 * width factor). */
const WIDTH_FACTORS: Readonly<Record<NamedVariant, number>> = {
  tresnet_m: 1,
  tresnet_l: 1.2,
  tresnet_xl: 1.3,
  tresnet_v2_l: 1,
};

const STEM = "body.conv1.0.weight";

/**
 * The architecture of a TResNet from its tensors under official names.
 * @throws CheckpointError naming `file` when the tensors are no TResNet's
 */
export function inspectTresnet(tensors: Tensors, file = "the tensors"): TresnetArchitecture {
  const stem = tensors[STEM]?.type.shape;
  if (stem === undefined || stem.length !== 4 || stem[1] !== 48) {
    const found = stem === undefined ? `there is no ${STEM}` : `${STEM} is [${stem.join(",")}], not [planes,48,3,3]`;
    throw new CheckpointError(file, `no TResNet: ${found}. First of its ${namesOf(tensors)}`);
  }
  const planes = stem[0]!;
  const [first, second, third, fourth] = [1, 2, 3, 4].map((layer) => inspectLayer(tensors, layer, file));
  const layers = [first!, second!, third!, fourth!] as const;
  const blocks = [layers[0].blocks, layers[1].blocks, layers[2].blocks, layers[3].blocks] as const;
  const stages = [layers[0].kind, layers[1].kind, layers[2].kind, layers[3].kind] as const;
  const { variant, widthFactor } = variantOf(blocks, planes, stages);
  return { variant, blocks, planes, widthFactor, stages, ...inspectHead(tensors, file) };
}

/** The configuration that builds this architecture. Throws InputError for one that TResNet's rules do not cover. */
export function tresnetConfigOf(file: string, architecture: TresnetArchitecture): TresnetConfig {
  const { blocks, planes, stages, numClasses, bottleneckHead } = architecture;
  if (numClasses === null) {
    throw new InputError(`${file}: has no head, so it cannot classify; a training can start from it (--load-backbone)`);
  }
  const basicStages = stages.filter((kind) => kind === "basic").length;
  const inOrder = stages.slice(0, basicStages).every((kind) => kind === "basic");
  if (!inOrder || (basicStages !== 2 && basicStages !== 0)) {
    throw new InputError(
      `${file}: stages of ${stages.join(", ")} are not supported; TResNet has two basic ones or none`,
    );
  }
  return {
    blocks,
    planes,
    basicStages,
    classes: numClasses,
    ...(bottleneckHead === false ? {} : { headFeatures: bottleneckHead.features }),
  };
}

function inspectLayer(tensors: Tensors, layer: number, file: string): { blocks: number; kind: BlockKind } {
  const found = new Set<number>();
  let bottleneck = false;
  for (const name of Object.keys(tensors)) {
    const match = /^body\.layer(\d)\.(\d+)\.(conv3\.)?/.exec(name);
    if (match === null || Number(match[1]) !== layer) continue;
    found.add(Number(match[2]));
    bottleneck ||= match[3] !== undefined;
  }
  for (let block = 0; block < found.size; block++) {
    if (!found.has(block)) throw new CheckpointError(file, `block body.layer${layer}.${block} is missing`);
  }
  if (found.size === 0) throw new CheckpointError(file, `no TResNet: there is no body.layer${layer}.0`);
  return { blocks: found.size, kind: bottleneck ? "bottleneck" : "basic" };
}

function variantOf(
  blocks: readonly number[],
  planes: number,
  stages: readonly BlockKind[],
): Pick<TresnetArchitecture, "variant" | "widthFactor"> {
  for (const variant of VARIANTS) {
    const known = TRESNETS[variant];
    const knownStages = stages.map((_, stage) => (stage < known.basicStages ? "basic" : "bottleneck"));
    if (known.blocks.join() === blocks.join() && known.planes === planes && knownStages.join() === stages.join()) {
      return { variant, widthFactor: WIDTH_FACTORS[variant] };
    }
  }
  return { variant: "custom", widthFactor: planes / 64 };
}

function inspectHead(tensors: Tensors, file: string): Pick<TresnetArchitecture, "numClasses" | "bottleneckHead"> {
  const linear = tensors["head.fc.weight"]?.type.shape;
  const features = tensors["head.fc.embedding_generator.0.weight"]?.type.shape;
  const classifier = tensors["head.fc.FC.weight"]?.type.shape;
  if (linear !== undefined) return { numClasses: rowsOf("head.fc.weight", linear, file), bottleneckHead: false };
  if (features !== undefined && classifier !== undefined) {
    return {
      numClasses: rowsOf("head.fc.FC.weight", classifier, file),
      bottleneckHead: { features: rowsOf("head.fc.embedding_generator.0.weight", features, file) },
    };
  }
  return { numClasses: null, bottleneckHead: false };
}

function rowsOf(name: string, shape: Shape, file: string): number {
  const rows = shape[0];
  if (shape.length === 2 && rows !== undefined && rows > 0) return rows;
  throw new CheckpointError(file, `${name} is [${shape.join(",")}]; a matrix with a row per output is expected`);
}

function namesOf(tensors: Tensors): string {
  const names = Object.keys(tensors);
  return `${names.length} tensors: ${names.slice(0, 4).join(", ")}`;
}
