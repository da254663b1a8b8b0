import { add } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { relu } from "../nn/activation.js";
import { NATIVE_NUMERICS, type Numerics } from "../nn/numerics.js";
import { averagePool2x2, blurPool } from "../nn/pooling.js";
import { convAbn, type Layer, squeezeExciteLayer } from "./layers.js";
import type { Mode } from "./model.js";
import type { StateReader } from "./state-recorder.js";

export interface BlockOptions {
  readonly inputs: number;
  readonly planes: number;
  readonly stride: 1 | 2;
  readonly squeezeExcite: boolean;
  /** Default: the backend's own. */
  readonly numerics?: Numerics;
}

/** Output channels of a Bottleneck per plane. */
export const BOTTLENECK_EXPANSION = 4;

const SLOPE = 0.001;
/** Squeeze-excite never reduces below this many channels. */
const LEAST_REDUCED = 64;

interface Step {
  /** Name inside the block. */
  readonly name: string;
  readonly layer: Layer;
  /** Blur-pool after the layer; PyTorch wraps both in a Sequential, hence the extra ".0" in the key. */
  readonly blur?: boolean;
}

/** conv 3x3 leaky [blur-pool]; conv 3x3; SE; + shortcut; ReLU. */
export function basicBlock(options: BlockOptions): Layer {
  const { inputs, planes, stride, squeezeExcite, numerics = NATIVE_NUMERICS } = options;
  const reduced = Math.max(Math.floor(planes / 4), LEAST_REDUCED);
  const se: Step = { name: "se", layer: squeezeExciteLayer(planes, reduced, numerics) };
  return residual({ inputs, outputs: planes, stride, numerics }, [
    {
      name: "conv1",
      layer: convAbn({ inputs, outputs: planes, kernel: 3, slope: SLOPE, numerics }),
      blur: stride === 2,
    },
    { name: "conv2", layer: convAbn({ inputs: planes, outputs: planes, kernel: 3, zeroWeight: true, numerics }) },
    ...(squeezeExcite ? [se] : []),
  ]);
}

/** conv 1x1 leaky; conv 3x3 leaky [blur-pool]; SE; conv 1x1 to 4 x planes; + shortcut; ReLU. */
export function bottleneck(options: BlockOptions): Layer {
  const { inputs, planes, stride, squeezeExcite, numerics = NATIVE_NUMERICS } = options;
  const outputs = planes * BOTTLENECK_EXPANSION;
  const reduced = Math.max(Math.floor(planes / 2), LEAST_REDUCED);
  const se: Step = { name: "se", layer: squeezeExciteLayer(planes, reduced, numerics) };
  return residual({ inputs, outputs, stride, numerics }, [
    { name: "conv1", layer: convAbn({ inputs, outputs: planes, kernel: 1, slope: SLOPE, numerics }) },
    {
      name: "conv2",
      layer: convAbn({ inputs: planes, outputs: planes, kernel: 3, slope: SLOPE, numerics }),
      blur: stride === 2,
    },
    ...(squeezeExcite ? [se] : []),
    { name: "conv3", layer: convAbn({ inputs: planes, outputs, kernel: 1, zeroWeight: true, numerics }) },
  ]);
}

interface ResidualOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
  readonly numerics: Numerics;
}

function residual({ inputs, outputs, stride, numerics }: ResidualOptions, steps: readonly Step[]): Layer {
  const reshaped = stride !== 1 || inputs !== outputs;
  const shortcut = convAbn({ inputs, outputs, kernel: 1, numerics });
  // PyTorch's Sequential holds the pool at index 0, if there is one, and the convolution after it
  const shortcutName = (name: string) => `${name}.downsample.${stride === 2 ? 1 : 0}`;
  const stepName = (name: string, step: Step) => `${name}.${step.name}${step.blur ? ".0" : ""}`;

  return {
    declare(state, name) {
      for (const step of steps) step.layer.declare(state, stepName(name, step));
      if (reshaped) shortcut.declare(state, shortcutName(name));
    },
    apply(x, state, name, mode) {
      const identity = reshaped ? projected(x, state, name, mode) : x;
      let y = x;
      for (const step of steps) {
        y = step.layer.apply(y, state, stepName(name, step), mode);
        if (step.blur) y = blurred(y, `${name}.${step.name}.1`, numerics);
      }
      return x.builder.scope(name, () => relu(add(y, identity)), "root");
    },
  };

  function projected(x: Value, state: StateReader, name: string, mode: Mode): Value {
    const pooled =
      stride === 2 ? x.builder.scope(`${name}.downsample.0`, () => averagePool2x2(x, numerics), "root") : x;
    return shortcut.apply(pooled, state, shortcutName(name), mode);
  }
}

const blurred = (x: Value, scope: string, numerics: Numerics) =>
  x.builder.scope(scope, () => blurPool(x, numerics), "root");
