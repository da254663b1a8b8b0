import type { Graph, TensorData, Tensors, Value } from "asl-core";
import { add, type Builder, build, createRandom, grad, mul, reduceSum, type Shape, sizeOf } from "asl-core";
import { evaluate } from "../src/evaluate.js";

/**
 * Contract: a gradient in float64 is the central difference to this relative error, element by element.
 * The difference quotient's own truncation error is STEP^2 / 6 times the third derivative, 1e-11 where that is of the
 * function's size, so 1e-6 leaves room for steep functions, while a missing or wrong term shows at 1e-3 or more.
 */
export const RELATIVE_ERROR = 1e-6;

/** Near the cube root of float64's epsilon, where truncation and rounding of a central difference balance. */
const STEP = 2 ** -17;

/**
 * Rounding of the difference quotient: each loss is a sum of terms rounded a few times each,
 * so their difference over 2 STEP is off by up to this many units (2^-53) of sum |terms| / STEP.
 */
const ROUNDINGS = 16;

/** A function of tensors, as a graph. */
export type TensorFunction = (...inputs: Value[]) => Value;

/** Uniform float64 numbers; the same for the same seed. */
export function uniform(shape: Shape, seed: number, low = -1, high = 1): TensorData {
  const random = createRandom(seed);
  const data = Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform());
  return { type: { dtype: "f32", shape }, data };
}

const inputName = (i: number) => `x${i}`;
const isReal = (tensor: TensorData) => tensor.type.dtype === "f32";

/** sum_i v_i y_i with fixed weights v of both signs, so that no two elements' gradients can stand in for each other. */
function weighted(y: Value, seed: number): { sum: Value; terms: Value } {
  const terms = mul(y, y.builder.constant(uniform(y.shape, seed, 0.5, 1.5)));
  return { sum: reduceSum(terms), terms };
}

/** x -> sum_k <v_k, d (weighted f) / d x_k>: its gradient is f's second derivative along v. */
export function slopeOf(f: TensorFunction, inputs: readonly TensorData[]): TensorFunction {
  return (...values) => {
    const real = values.filter((_, i) => isReal(inputs[i]!));
    const gradients = grad(weighted(f(...values), 7).sum, real);
    return gradients.map((gradient, k) => weighted(gradient, 11 + k).sum).reduce((a, b) => add(a, b));
  };
}

interface Built {
  /** Outputs: loss, terms, and the gradient of each real input under its name. */
  readonly graph: Graph;
  readonly feeds: Tensors;
}

function built(f: TensorFunction, inputs: readonly TensorData[]): Built {
  const graph = build((b: Builder) => {
    const values = inputs.map((input, i) => b.input(inputName(i), input.type));
    const { sum, terms } = weighted(f(...values), 3);
    const real = values.flatMap((value, i) => (isReal(inputs[i]!) ? [[inputName(i), value] as const] : []));
    const gradients = grad(
      sum,
      real.map(([, value]) => value),
    );
    return { loss: sum, terms, ...Object.fromEntries(real.map(([name], k) => [name, gradients[k]!])) };
  });
  return { graph, feeds: Object.fromEntries(inputs.map((input, i) => [inputName(i), input])) };
}

/** Every element whose gradient is not the central difference; empty when all agree. */
export function mismatches(f: TensorFunction, inputs: readonly TensorData[]): string[] {
  const { graph, feeds } = built(f, inputs);
  const outputs = evaluate(graph, feeds, { precision: "f64" });
  const magnitude = Array.from(outputs.terms!.data).reduce((sum, term) => sum + Math.abs(term), 0);
  const allowance = (ROUNDINGS * 2 ** -53 * magnitude) / STEP;
  // Without the gradients: a third of the time.
  const forward = forwardOnly(f, inputs);
  const lossAt = (name: string, element: number, value: number): number => {
    const tensor = feeds[name]!;
    const data = Float64Array.from(tensor.data);
    data[element] = value;
    return evaluate(forward, { ...feeds, [name]: { ...tensor, data } }, { precision: "f64" }).loss!.data[0]!;
  };
  const found: string[] = [];
  for (const [name, tensor] of Object.entries(feeds)) {
    if (!isReal(tensor)) continue;
    const gradient = outputs[name]!;
    for (let i = 0; i < tensor.data.length; i++) {
      const above = tensor.data[i]! + STEP;
      const below = tensor.data[i]! - STEP;
      const numeric = (lossAt(name, i, above) - lossAt(name, i, below)) / (above - below);
      const symbolic = gradient.data[i]!;
      const error = Math.abs(symbolic - numeric);
      const allowed = RELATIVE_ERROR * Math.max(Math.abs(symbolic), Math.abs(numeric)) + allowance;
      if (!(error <= allowed)) {
        found.push(`${name}[${i}]: gradient ${symbolic}, difference quotient ${numeric}, error ${error} > ${allowed}`);
      }
    }
  }
  return found;
}

function forwardOnly(f: TensorFunction, inputs: readonly TensorData[]): Graph {
  return build((b) => {
    const values = inputs.map((input, i) => b.input(inputName(i), input.type));
    return { loss: weighted(f(...values), 3).sum };
  });
}
