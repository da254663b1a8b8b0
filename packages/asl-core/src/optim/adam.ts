import { add, div, mul, sqrt, square, sub } from "../functions/elementwise.js";
import type { Builder, Value } from "../graph/builder.js";
import type { StateEntry, StateSpec } from "../state/spec.js";
import { scalar, type Tensors } from "../types/tensor.js";

export interface AdamOptions {
  /** Decay of the squared gradient's average. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** L2 coefficient added to the gradient of decayed parameters. Default 1e-4. */
  readonly weightDecay?: number;
}

export const ADAM_DEFAULTS: Required<AdamOptions> = { beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4 };

/** State names of Adam's averages of the gradient and of its square. */
export const expAvgName = (parameter: string) => `optimizer.exp_avg.${parameter}`;
export const expAvgSqName = (parameter: string) => `optimizer.exp_avg_sq.${parameter}`;

/** One parameter's step: what it reads and what replaces it. */
export interface AdamTensors {
  readonly parameter: Value;
  readonly expAvg: Value;
  readonly expAvgSq: Value;
}

/** Scalars that change from step to step; graph inputs, made by `adamInputs` and fed by `adamFeeds`. */
export interface AdamInputs {
  readonly beta1: Value;
  readonly oneMinusBeta1: Value;
  /** learning rate / (1 - beta1^t). */
  readonly stepSize: Value;
  /** sqrt(1 - beta2^t). */
  readonly biasCorrection2Sqrt: Value;
}

const SCALAR = { dtype: "f32", shape: [] } as const;

/** Whether weight decay applies: not to biases and other one-dimensional parameters. */
export const isDecayed = (entry: StateEntry) => entry.type.shape.length > 1;

/** The group of parameters that have no other. */
export const ADAM_GROUP = "optimizer";

/** Declares the per-step scalars of a group of parameters as inputs of the graph. */
export function adamInputs(builder: Builder, group = ADAM_GROUP): AdamInputs {
  return {
    beta1: builder.input(`${group}.beta1`, SCALAR),
    oneMinusBeta1: builder.input(`${group}.one_minus_beta1`, SCALAR),
    stepSize: builder.input(`${group}.step_size`, SCALAR),
    biasCorrection2Sqrt: builder.input(`${group}.bias_correction2_sqrt`, SCALAR),
  };
}

/** The feeds of `adamInputs`, computed in float64; `step` counts the group's steps from 1. */
export function adamFeeds(
  { learningRate, beta1, step }: { readonly learningRate: number; readonly beta1: number; readonly step: number },
  { beta2 = ADAM_DEFAULTS.beta2 }: AdamOptions = {},
  group = ADAM_GROUP,
): Tensors {
  return {
    [`${group}.beta1`]: scalar(beta1),
    [`${group}.one_minus_beta1`]: scalar(1 - beta1),
    [`${group}.step_size`]: scalar(learningRate / (1 - beta1 ** step)),
    [`${group}.bias_correction2_sqrt`]: scalar(Math.sqrt(1 - beta2 ** step)),
  };
}

/** Slots for each parameter, zero at first. */
export function adamSlots(parameters: StateSpec): StateSpec {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { type }]) =>
      [expAvgName(name), expAvgSqName(name)].map((slot): [string, StateEntry] => [
        slot,
        { type, role: "slot", init: { kind: "zeros" } },
      ]),
    ),
  );
}

/**
 * Adam with L2 decay added to the gradient, as PyTorch's (not AdamW). Kingma & Ba 2015, algorithm 1:
 * g <- g + decay p;  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
 * p <- p - stepSize m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 */
export function adamStep(
  { parameter, expAvg, expAvgSq }: AdamTensors,
  gradient: Value,
  decayed: boolean,
  { beta1, oneMinusBeta1, stepSize, biasCorrection2Sqrt }: AdamInputs,
  { beta2, epsilon, weightDecay }: Required<AdamOptions> = ADAM_DEFAULTS,
): AdamTensors {
  const g = decayed && weightDecay !== 0 ? add(gradient, mul(parameter, weightDecay)) : gradient;
  const m = add(mul(expAvg, beta1), mul(g, oneMinusBeta1));
  const v = add(mul(expAvgSq, beta2), mul(square(g), 1 - beta2));
  const denominator = add(div(sqrt(v), biasCorrection2Sqrt), epsilon);
  return { parameter: sub(parameter, mul(div(m, denominator), stepSize)), expAvg: m, expAvgSq: v };
}
