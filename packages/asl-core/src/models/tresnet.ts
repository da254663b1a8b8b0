import { InputError } from "../errors/errors.js";
import { EXACT_NUMERICS } from "../exact/network/numerics.js";
import type { Value } from "../graph/builder.js";
import { NATIVE_NUMERICS, type Numerics } from "../nn/numerics.js";
import { globalMean, spaceToDepth } from "../nn/pooling.js";
import { BOTTLENECK_EXPANSION, basicBlock, bottleneck } from "./blocks.js";
import { convAbn, type Layer, linearLayer } from "./layers.js";
import type { Model } from "./model.js";
import { StateDeclaration, StateReader } from "./state-recorder.js";
import { checkTresnetConfig, type TresnetConfig } from "./tresnet-config.js";

const STEM_BLOCK = 4;
const STEM_SLOPE = 0.01;

interface Named {
  readonly name: string;
  readonly layer: Layer;
}

export interface NetworkOptions {
  /** `exact`: the same bits on every backend, for inference only; several times as slow. Default `native`. */
  readonly numerics?: keyof typeof NUMERICS;
}

const NUMERICS = { native: NATIVE_NUMERICS, exact: EXACT_NUMERICS } as const;

/**
 * TResNet. Images [N,3,H,W] in [0,1] without mean or deviation, H and W multiples of 4; logits [N, classes].
 * State has the official PyTorch keys. Ridnik et al. 2021, "TResNet: High Performance GPU-Dedicated Architecture".
 */
export function tresnet(config: TresnetConfig, options: NetworkOptions = {}): Model {
  checkTresnetConfig(config);
  const numerics = NUMERICS[options.numerics ?? "native"];
  const stem: Named = {
    name: "body.conv1",
    layer: convAbn({ inputs: 3 * STEM_BLOCK ** 2, outputs: config.planes, kernel: 3, slope: STEM_SLOPE, numerics }),
  };
  const { stages, features } = stagesOf(config, numerics);
  const head = headOf(config, features, numerics);

  const declaration = new StateDeclaration();
  for (const { name, layer } of [stem, ...stages.flat(), ...head]) layer.declare(declaration, name);

  return {
    classes: config.classes,
    state: declaration.spec,
    apply(images, values, mode) {
      if (mode === "train" && options.numerics === "exact") {
        throw new InputError('tresnet: numerics "exact" are for mode "eval"; train with numerics "native"');
      }
      const { builder } = images;
      const state = new StateReader(values);
      const outputs: Record<string, Value> = {};
      const run = (x: Value, { name, layer }: Named) => layer.apply(x, state, name, mode);

      let x = builder.scope("body.SpaceToDepth", () => spaceToDepth(images, STEM_BLOCK), "root");
      outputs["body.SpaceToDepth"] = x;
      x = run(x, stem);
      outputs[stem.name] = x;
      stages.forEach((blocks, i) => {
        x = blocks.reduce(run, x);
        outputs[`body.layer${i + 1}`] = x;
      });
      const embedding = builder.scope("global_pool", () => globalMean(x, numerics), "root");
      outputs.embedding = embedding;
      const logits = head.reduce(run, embedding);
      outputs.logits = logits;
      return { logits, updates: state.updates, stages: outputs };
    },
  };
}

/** Number of trained values. */
export function parameterCount(model: Model): number {
  return Object.values(model.state)
    .filter(({ role }) => role === "parameter")
    .reduce((count, { type }) => count + type.shape.reduce((size, extent) => size * extent, 1), 0);
}

function stagesOf(
  { blocks, planes, basicStages }: TresnetConfig,
  numerics: Numerics,
): { stages: Named[][]; features: number } {
  let inputs = planes;
  const stages = blocks.map((count, stage) => {
    const basic = stage < basicStages;
    const stagePlanes = planes * 2 ** stage;
    return Array.from({ length: count }, (_, i): Named => {
      const options = {
        inputs,
        planes: stagePlanes,
        stride: stage > 0 && i === 0 ? 2 : 1,
        squeezeExcite: stage < 3,
        numerics,
      } as const;
      inputs = basic ? stagePlanes : stagePlanes * BOTTLENECK_EXPANSION;
      return { name: `body.layer${stage + 1}.${i}`, layer: (basic ? basicBlock : bottleneck)(options) };
    });
  });
  return { stages, features: inputs };
}

/** Linear, or the OpenImages bottleneck: two linear layers without an activation between. */
function headOf({ classes, headFeatures }: TresnetConfig, features: number, numerics: Numerics): Named[] {
  if (headFeatures === undefined) return [{ name: "head.fc", layer: linearLayer(features, classes, numerics) }];
  return [
    { name: "head.fc.embedding_generator.0", layer: linearLayer(features, headFeatures, numerics) },
    { name: "head.fc.FC", layer: linearLayer(headFeatures, classes, numerics) },
  ];
}
