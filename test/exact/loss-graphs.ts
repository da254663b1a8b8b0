import {
  type AsymmetricLossOptions,
  Builder,
  f32,
  type Graph,
  grad,
  reduceSum,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import { expect } from "vitest";

export type Loss = (logits: Value, targets: Value, options: AsymmetricLossOptions, builder: Builder) => Value;

/** The loss and the gradient of its sum. */
export function graphOf(loss: Loss, options: AsymmetricLossOptions, shape: readonly number[]): Graph {
  const builder = new Builder();
  const [x, y] = ["x", "y"].map((name) => builder.input(name, { dtype: "f32", shape })) as [Value, Value];
  const value = loss(x, y, options, builder);
  const [gradient] = grad(reduceSum(value), [x]);
  return builder.finish({ loss: value, gradient: gradient! });
}

export const feedsOf = (x: ArrayLike<number>, y: ArrayLike<number>, shape: readonly number[]): Tensors => ({
  x: f32(shape, Float32Array.from(x)),
  y: f32(shape, Float32Array.from(y)),
});

export const inFloat32 = (graph: Graph, feeds: Tensors) => evaluate(graph, feeds, { precision: "f32" });

export const elementwise: AsymmetricLossOptions = { reduction: "none" };

/**
 * Rounding: 1 - pt to the power of g, times A, from factors known to about 3/2 ulp, of size <= 18 (or -log epsilon),
 * each with half an ulp, 2^-25, for every product and sum: (3 + 3 g) 2^-24 max(1, L).
 */
const bound = (gamma: number, loss: number) => (3 + 3 * gamma) * 2 ** -24 * Math.max(1, loss);

export type Results = Readonly<Record<"loss" | "gradient", ArrayLike<number>>>;

export function expectClose(actual: Tensors, truth: Results, gamma: number): void {
  const largest = Array.from(truth.loss).reduce((most, loss) => Math.max(most, loss), 0);
  for (const name of ["loss", "gradient"] as const) {
    actual[name]!.data.forEach((value, i) => {
      const expected = truth[name][i]!;
      const limit = bound(gamma, actual.loss!.type.shape.length === 0 ? largest : truth.loss[i]!);
      expect(Math.abs(value - expected), `${name} ${i}: ${value}, float64 ${expected}`).toBeLessThanOrEqual(limit);
    });
  }
}

/** The native composite: right where |x| is small, since 1 - p is a subtraction there. */
export const nativeInFloat64 = (graph: Graph, feeds: Tensors) =>
  resultsOf(evaluate(graph, feeds, { precision: "f64" }));

export const resultsOf = ({ loss, gradient }: Tensors): Results => ({ loss: loss!.data, gradient: gradient!.data });
