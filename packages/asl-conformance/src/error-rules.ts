import type { AttrsOf, OpName, OpTable, TensorData } from "asl-core";
import { SMALLEST_NORMAL, UNIT_ROUNDOFF, ulpOf } from "./float32.js";

/** A value of the graph in float64 and, element by element, how far a backend that keeps the contracts may be off. */
export interface Bounded {
  readonly value: TensorData;
  /** |backend - value| <= error; Infinity where the contracts promise nothing (a comparison too close to call). */
  readonly error: Float64Array;
}

/** One node: its inputs with their errors, its float64 value, and what its contract allows. */
export interface ErrorContext<A> {
  readonly inputs: readonly Bounded[];
  readonly value: TensorData;
  readonly attrs: A;
  /** Of a contract in ULP; 0 for exact ops. */
  readonly ulps: number;
  /** K of gamma_K. */
  readonly terms: number;
  /** The same node on other inputs, all real (undefined: the input as it is) and, if given, other attributes. */
  apply(inputs: readonly (Float64Array | undefined)[], attrs?: Partial<A>): Float64Array;
}

/** Bound on |backend - value| for each element of the result. */
export type ErrorRule<A> = (context: ErrorContext<A>) => Float64Array;

/** 0 times anything is 0 here: an error of 0 stays 0 beside an infinite value. */
const times = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b);

/** `ulps` units in the last place of the largest |result| possible, and flushing where it may be below normal. */
function rounding(value: number, propagated: number, ulps: number): number {
  const largest = Math.abs(value) + propagated;
  if (ulps === 0 || largest === 0) return 0;
  const flush = ulps > 0.5 && Math.abs(value) - propagated < SMALLEST_NORMAL ? SMALLEST_NORMAL : 0;
  return Math.max(ulps * ulpOf(largest), flush);
}

/** Bounds from one number per element; nothing comes in that is not finite and certain, nothing goes out. */
function perElement(size: number, bound: (i: number) => number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => {
    const error = bound(i);
    // The difference of two equal infinities, or a result that is NaN whatever the errors are
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  });
}

/** The errors travel with the elements. */
const moved: ErrorRule<object> = ({ inputs, apply }) => apply(inputs.map(({ error }) => error));

const same: ErrorRule<object> = ({ inputs: [x] }) => x!.error;

/** f on [x - e, x + e], f monotone there: the farther of its ends, and the function's own ULPs. */
const monotone =
  (f: (x: number) => number, domain = Number.NEGATIVE_INFINITY): ErrorRule<object> =>
  ({ inputs: [x], value, ulps }) =>
    perElement(x!.error.length, (i) => {
      const at = x!.value.data[i]!;
      const y = value.data[i]!;
      const e = x!.error[i]!;
      const propagated = e === 0 ? 0 : Math.max(Math.abs(f(at + e) - y), Math.abs(f(Math.max(at - e, domain)) - y));
      return propagated + rounding(y, propagated, ulps);
    });

type Propagation = (a: number, b: number, ea: number, eb: number, y: number) => number;

const binary =
  (propagate: Propagation): ErrorRule<object> =>
  ({ inputs: [a, b], value, ulps }) =>
    perElement(a!.error.length, (i) => {
      const ea = a!.error[i]!;
      const eb = b!.error[i]!;
      const y = value.data[i]!;
      const propagated = ea === 0 && eb === 0 ? 0 : propagate(a!.value.data[i]!, b!.value.data[i]!, ea, eb, y);
      return propagated + rounding(y, propagated, ulps);
    });

/** Nothing, or unknown: whether the truth value may turn. */
const comparison =
  (mayTurn: (a: number, b: number, e: number) => boolean): ErrorRule<object> =>
  ({ inputs: [a, b] }) =>
    perElement(a!.error.length, (i) => {
      const e = a!.error[i]! + b!.error[i]!;
      return e > 0 && mayTurn(a!.value.data[i]!, b!.value.data[i]!, e) ? Number.POSITIVE_INFINITY : 0;
    });

/** gamma_K = K u / (1 - K u). */
const gamma = (terms: number) => (terms * UNIT_ROUNDOFF) / (1 - terms * UNIT_ROUNDOFF);

/** The float64 sums of the bound itself round, too; and each product may be flushed. */
const summed = (bound: number, terms: number) => bound * (1 + 1e-9) + (bound > 0 ? terms * SMALLEST_NORMAL : 0);

/** gamma_K sum |a'| |b'| + (sum |a'| |b'| - sum |a| |b|), a' = |a| + ea the largest the backend may hold. */
const contraction: ErrorRule<object> = ({ inputs, apply, terms }) => {
  const magnitudes = apply(inputs.map(({ value }) => Float64Array.from(value.data, Math.abs)));
  const largest = apply(
    inputs.map(({ value, error }) => Float64Array.from(value.data, (x, i) => Math.abs(x) + error[i]!)),
  );
  return perElement(magnitudes.length, (i) =>
    summed(gamma(terms) * largest[i]! + (largest[i]! - magnitudes[i]!), terms),
  );
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** How errors pass through every op. */
export const ERROR_RULES: OpTable<{ [K in OpName]: ErrorRule<AttrsOf<K>> }> = {
  // Handled where it is read: the rounding of its elements to float32.
  constant: ({ value }) => new Float64Array(value.data.length),

  neg: same,
  abs: same,
  floor: monotone(Math.floor),
  exp: monotone(Math.exp),
  log: monotone(Math.log, 0),
  sqrt: monotone(Math.sqrt, 0),
  sigmoid: monotone(sigmoid),

  add: binary((_a, _b, ea, eb) => ea + eb),
  sub: binary((_a, _b, ea, eb) => ea + eb),
  // |a b - a' b'| <= |a| eb + |b| ea + ea eb
  mul: binary((a, b, ea, eb) => times(Math.abs(a), eb) + times(Math.abs(b), ea) + times(ea, eb)),
  // |a / b - a' / b'| <= (|a| eb + |b| ea) / (|b| (|b| - eb)), unless b' may be 0
  div(context) {
    return binary((a, b, ea, eb) => {
      const nearest = Math.abs(b) - eb;
      if (!(nearest > 0)) return Number.POSITIVE_INFINITY;
      return (times(Math.abs(a), eb) + times(Math.abs(b), ea)) / (Math.abs(b) * nearest);
    })(context);
  },
  // a^b is monotone in a and in b, so its extremes on a rectangle are at the corners
  pow: binary((a, b, ea, eb, y) =>
    [-1, 1].reduce(
      (worst, p) =>
        [-1, 1].reduce((far, q) => Math.max(far, Math.abs(Math.max(a + p * ea, 0) ** (b + q * eb) - y)), worst),
      0,
    ),
  ),
  max: binary((_a, _b, ea, eb) => Math.max(ea, eb)),
  min: binary((_a, _b, ea, eb) => Math.max(ea, eb)),

  less: comparison((a, b, e) => Math.abs(a - b) <= e),
  equal: comparison((a, b, e) => Math.abs(a - b) <= e),
  select: ({ inputs: [condition, a, b] }) =>
    perElement(condition!.error.length, (i) => {
      const [chosen, other] = condition!.value.data[i] === 1 ? [a!, b!] : [b!, a!];
      if (condition!.error[i] === 0) return chosen.error[i]!;
      return Math.max(chosen.error[i]!, Math.abs(chosen.value.data[i]! - other.value.data[i]!) + other.error[i]!);
    }),
  cast: ({ inputs: [x], attrs: { to } }) =>
    perElement(x!.error.length, (i) => {
      const e = x!.error[i]!;
      if (to !== "f32") return e === 0 ? 0 : Number.POSITIVE_INFINITY;
      if (x!.value.type.dtype === "bool") return e === 0 ? 0 : 1;
      return e + (x!.value.type.dtype === "i32" ? Math.abs(Math.fround(x!.value.data[i]!) - x!.value.data[i]!) : 0);
    }),
  stopGradient: same,

  reduceSum({ inputs: [x], apply, terms }) {
    const incoming = apply([x!.error]);
    const largest = apply([Float64Array.from(x!.value.data, (element, i) => Math.abs(element) + x!.error[i]!)]);
    return perElement(largest.length, (i) => summed(gamma(terms) * largest[i]! + incoming[i]!, 0));
  },
  // no element moves by more than the largest error, so neither does the maximum
  reduceMax: moved,

  reshape: moved,
  transpose: moved,
  broadcast: moved,
  pad: ({ inputs: [x], attrs: { value }, apply }) => apply([x!.error], { value: Math.abs(Math.fround(value) - value) }),
  slice: moved,
  concat: moved,
  gather({ inputs: [table, indices], apply }) {
    const moves = indices!.error.some((e) => e > 0);
    return moves ? apply([table!.error]).fill(Number.POSITIVE_INFINITY) : apply([table!.error]);
  },

  matmul: contraction,
  conv2d: contraction,
  conv2dInputGrad: contraction,
  conv2dKernelGrad: contraction,
};
