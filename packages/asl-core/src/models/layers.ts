import { abs, add, mul } from "../functions/elementwise.js";
import type { Value } from "../graph/builder.js";
import { leakyRelu } from "../nn/activation.js";
import { batchNormTrain } from "../nn/batch-norm.js";
import { NATIVE_NUMERICS, type Numerics } from "../nn/numerics.js";
import { linear, squeezeExcite } from "../nn/squeeze-excite.js";
import { sizeOf } from "../types/tensor.js";
import type { Mode } from "./model.js";
import type { StateDeclaration, StateReader } from "./state-recorder.js";

/** Added to |weight| of an activated batch norm (InPlace-ABN). */
export const ABN_WEIGHT_EPSILON = 1e-5;
export const BATCH_NORM_EPSILON = 1e-5;
export const BATCH_NORM_MOMENTUM = 0.1;

/** A layer: what state it has under `name`, and what it computes. */
export interface Layer {
  declare(state: StateDeclaration, name: string): void;
  apply(x: Value, state: StateReader, name: string, mode: Mode): Value;
}

export interface ConvAbnOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: 1 | 3;
  /** Negative slope; undefined: no activation. */
  readonly slope?: number;
  /** The last ABN of a block starts at weight 0, so that the block starts as its shortcut. */
  readonly zeroWeight?: boolean;
  /** Default: the backend's own. */
  readonly numerics?: Numerics;
}

/** Convolution without bias, then batch norm with scale |weight| + 1e-5, then leaky ReLU. Keys NAME.0.*, NAME.1.*. */
export function convAbn(options: ConvAbnOptions): Layer {
  const { inputs, outputs, kernel, slope, zeroWeight = false, numerics = NATIVE_NUMERICS } = options;
  // kaiming normal, fan-out, leaky ReLU gain (slope 0): std = sqrt(2 / (outputs k^2))
  const std = Math.sqrt(2 / (outputs * kernel * kernel));
  return {
    declare(state, name) {
      state.declare(`${name}.0.weight`, [outputs, inputs, kernel, kernel], { kind: "normal", std });
      state.declare(`${name}.1.weight`, [outputs], { kind: zeroWeight ? "zeros" : "ones" });
      state.declare(`${name}.1.bias`, [outputs], { kind: "zeros" });
      state.declare(`${name}.1.running_mean`, [outputs], { kind: "zeros" }, "buffer");
      state.declare(`${name}.1.running_var`, [outputs], { kind: "ones" }, "buffer");
    },
    apply(x, state, name, mode) {
      const convolved = x.builder.scope(
        `${name}.0`,
        () => numerics.conv2d(x, state.get(`${name}.0.weight`), { padding: (kernel - 1) / 2 }),
        "root",
      );
      return x.builder.scope(
        `${name}.1`,
        () => {
          const y = activatedBatchNorm(convolved, state, `${name}.1`, mode, numerics);
          return slope === undefined ? y : leakyRelu(y, slope);
        },
        "root",
      );
    },
  };
}

/** Batch norm with scale |weight| + 1e-5; in mode train also records the new running statistics. */
function activatedBatchNorm(
  x: Value,
  state: StateReader,
  name: string,
  mode: Mode,
  { batchNormEval }: Numerics,
): Value {
  const scale = add(abs(state.get(`${name}.weight`)), ABN_WEIGHT_EPSILON);
  const bias = state.get(`${name}.bias`);
  const runningMean = state.get(`${name}.running_mean`);
  const runningVariance = state.get(`${name}.running_var`);
  if (mode === "eval") return batchNormEval(x, scale, bias, runningMean, runningVariance, BATCH_NORM_EPSILON);

  const { y, statistics } = batchNormTrain(x, scale, bias, BATCH_NORM_EPSILON);
  // running <- (1 - momentum) running + momentum batch
  const blend = (running: Value, batch: Value) =>
    add(mul(running, 1 - BATCH_NORM_MOMENTUM), mul(batch, BATCH_NORM_MOMENTUM));
  state.updates[`${name}.running_mean`] = blend(runningMean, statistics.mean);
  state.updates[`${name}.running_var`] = blend(runningVariance, statistics.unbiasedVariance);
  return y;
}

/** Squeeze-and-excitation; fc1 and fc2 are 1x1 convolutions with bias, initialised as PyTorch's default. */
export function squeezeExciteLayer(channels: number, reduced: number, numerics?: Numerics): Layer {
  return {
    declare(state, name) {
      declareDefault(state, `${name}.fc1`, [reduced, channels, 1, 1]);
      declareDefault(state, `${name}.fc2`, [channels, reduced, 1, 1]);
    },
    apply(x, state, name) {
      const fc = (part: string) => ({
        weight: state.get(`${name}.${part}.weight`),
        bias: state.get(`${name}.${part}.bias`),
      });
      return x.builder.scope(name, () => squeezeExcite(x, { fc1: fc("fc1"), fc2: fc("fc2") }, numerics), "root");
    },
  };
}

/** y = x W^T + b with W ~ N(0, 0.01^2). */
export function linearLayer(inputs: number, outputs: number, numerics?: Numerics): Layer {
  return {
    declare(state, name) {
      state.declare(`${name}.weight`, [outputs, inputs], { kind: "normal", std: 0.01 });
      state.declare(`${name}.bias`, [outputs], { kind: "uniform", bound: 1 / Math.sqrt(inputs) });
    },
    apply: (x, state, name) =>
      x.builder.scope(name, () => linear(x, state.get(`${name}.weight`), state.get(`${name}.bias`), numerics), "root"),
  };
}

/** PyTorch's default for convolutions: weight and bias ~ U(-1/sqrt(fan in), 1/sqrt(fan in)). */
function declareDefault(state: StateDeclaration, name: string, shape: readonly [number, number, number, number]): void {
  const init = { kind: "uniform", bound: 1 / Math.sqrt(sizeOf(shape.slice(1))) } as const;
  state.declare(`${name}.weight`, shape, init);
  state.declare(`${name}.bias`, [shape[0]], init);
}
