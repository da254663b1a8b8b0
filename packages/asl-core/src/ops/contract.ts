import type { TensorType } from "../types/tensor.js";

/**
 * How far a backend may stray from the float64 meaning of an op, given the same float32 inputs.
 * - `exact`: every bit equal (data movement, and IEEE operations that round correctly everywhere)
 * - `ulp`: at most `max` units in the last place
 * - `sum`: |error| <= gamma_K * sum |terms|, gamma_K = K u / (1 - K u), u = 2^-24, for any order of summation
 *   (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1); K = `terms(inputs, attributes)`
 */
export type Accuracy<A> =
  | { readonly kind: "exact" }
  | { readonly kind: "ulp"; readonly max: number }
  | { readonly kind: "sum"; terms(inputs: readonly TensorType[], attrs: A): number };

/** What passes and lowerings may ask of an op instead of its name. */
export interface Traits {
  /** Output element i depends on element i of each input only; all shapes are equal. */
  readonly elementwise?: true;
  /** op(a, b) = op(b, a). */
  readonly commutative?: true;
  /** Copies or rearranges elements; computes nothing. */
  readonly movement?: true;
  /** Same elements in the same row-major order: a backend may alias the buffer. */
  readonly view?: true;
  /** Sums products over a contracted dimension: matmul and the convolutions. */
  readonly contraction?: true;
  /** The gradient is zero everywhere or cut on purpose. */
  readonly zeroGradient?: true;
}

/** The contract of one op: arguments, result type, accuracy, traits. Interpretations live in tables keyed by op name. */
export interface OpDefinition<A extends object> {
  /** Argument names in order; a trailing "...rest" name takes one or more. */
  readonly arguments: readonly string[];
  /** Result type. Throws ShapeError naming op, argument, expected, actual and scope. */
  infer(inputs: readonly TensorType[], attrs: A, scope: string): TensorType;
  readonly accuracy: Accuracy<A>;
  readonly traits: Traits;
}

/** Attributes of an op that has none. */
export type NoAttrs = Readonly<Record<never, never>>;
