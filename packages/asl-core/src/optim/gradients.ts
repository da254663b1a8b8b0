import { InputError } from "../errors/errors.js";
import { add, div, min, mul, sqrt, square } from "../functions/elementwise.js";
import { reduceSum } from "../functions/shape.js";
import type { Builder, Value } from "../graph/builder.js";
import type { StateEntry, StateSpec } from "../state/spec.js";
import { scalar, type Tensors } from "../types/tensor.js";

/** sqrt(sum over all gradients of the sum of their squares); scalar. */
export function globalNorm(gradients: readonly Value[]): Value {
  const [first, ...rest] = gradients.map((gradient) => reduceSum(square(gradient)));
  if (first === undefined) throw new InputError("globalNorm: there is no gradient");
  return sqrt(rest.reduce(add, first));
}

export interface ClippedGradients {
  readonly gradients: readonly Value[];
  /** Before clipping; scalar. */
  readonly norm: Value;
}

/**
 * g <- g min(1, maximum / (|g| + 1e-6)) with |g| the norm of all gradients together, as PyTorch's clip_grad_norm_.
 * Pascanu et al. 2013, algorithm 1.
 */
export function clipByGlobalNorm(gradients: readonly Value[], maximum: number): ClippedGradients {
  const norm = globalNorm(gradients);
  const factor = min(1, div(maximum, add(norm, 1e-6)));
  return { gradients: gradients.map((gradient) => mul(gradient, factor)), norm };
}

/** State name of the sum of a parameter's gradients over the batches of a step that are done. */
export const accumulatedName = (parameter: string) => `accumulated.${parameter}`;

/** A sum for each parameter, zero at first. */
export function accumulationSlots(parameters: StateSpec): StateSpec {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type }]): [string, StateEntry] => [
      accumulatedName(name),
      { type, role: "slot", init: { kind: "zeros" } },
    ]),
  );
}

/** Scalar: 0 for the first batch of a step, which forgets the last step's sum, 1 for the others. */
export const accumulationInput = (builder: Builder): Value =>
  builder.input("accumulation.keep", { dtype: "f32", shape: [] });

/** The feeds of `accumulationInput`. */
export const accumulationFeeds = (isFirst: boolean): Tensors => ({ "accumulation.keep": scalar(isFirst ? 0 : 1) });

/** sum <- keep sum + g. */
export const accumulate = (sum: Value, gradient: Value, keep: Value): Value => add(mul(sum, keep), gradient);
