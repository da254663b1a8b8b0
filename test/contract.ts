import {
  type AttrsOf,
  type Backend,
  Builder,
  definitionOf,
  f32,
  type Graph,
  type OpName,
  type Program,
  type Shape,
  sizeOf,
  type TensorData,
  type Tensors,
  type TensorType,
} from "asl-core";
import { evaluate } from "asl-reference";
import { expect } from "vitest";

/** Runs a graph without state. */
export async function runOn(backend: Backend, graph: Graph, feeds: Tensors): Promise<Tensors> {
  const program: Program = { graph, reads: {}, writes: {}, finite: [] };
  await using session = await backend.compile({}, { graph: program });
  return await session.run("graph", feeds);
}

/** A graph of one op whose inputs are called in0, in1, ... */
export function graphOf<K extends OpName>(op: K, types: readonly TensorType[], attrs: AttrsOf<K>): Graph {
  const builder = new Builder();
  const inputs = types.map((type, i) => builder.input(`in${i}`, type));
  return builder.finish({ y: builder.scope("test", () => builder.apply(op, inputs, attrs)) });
}

/** Runs one op and holds it to the op's contract. */
export async function expectContract<K extends OpName>(
  backend: Backend,
  op: K,
  inputs: readonly TensorData[],
  attrs: AttrsOf<K>,
): Promise<TensorData> {
  const types = inputs.map((input) => input.type);
  const graph = graphOf(op, types, attrs);
  const feeds = named(inputs);
  const actual = (await runOn(backend, graph, feeds)).y!;
  const expected = evaluate(graph, feeds, { precision: "f64" }).y!;
  expect(actual.type).toEqual(expected.type);
  const { accuracy } = definitionOf(op);
  switch (accuracy.kind) {
    case "exact":
      expectSameBits(actual.data, expected.data);
      break;
    case "ulp":
      expectWithinUlp(actual.data, expected.data, accuracy.max, inputs);
      break;
    case "sum": {
      const magnitudes = evaluate(graph, named(inputs.map(absolute)), { precision: "f64" }).y!;
      expectWithinSum(actual.data, expected.data, magnitudes.data, accuracy.terms(types, attrs));
    }
  }
  return actual;
}

const named = (inputs: readonly TensorData[]): Tensors =>
  Object.fromEntries(inputs.map((input, i) => [`in${i}`, input]));

const absolute = ({ type, data }: TensorData): TensorData =>
  type.dtype === "f32" ? f32(type.shape, Float64Array.from(data, Math.abs)) : { type, data };

export function expectSameBits(actual: TensorData["data"], expected: TensorData["data"]): void {
  const rounded = expected instanceof Float64Array ? Float32Array.from(expected) : expected;
  const differing = Array.from(actual).findIndex((value, i) => !Object.is(value, rounded[i]));
  if (differing >= 0) {
    expect.fail(`element ${differing}: expected exactly ${expected[differing]}; got ${actual[differing]}`);
  }
  expect(actual.length).toBe(expected.length);
}

/** Spacing of float32 numbers at |x|. */
export function ulpOf(x: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -126);
  return 2 ** (exponent - 23);
}

/** Results below the smallest normal float32 may be flushed to zero. */
const SMALLEST_NORMAL = 2 ** -126;

function expectWithinUlp(
  actual: TensorData["data"],
  expected: TensorData["data"],
  max: number,
  inputs: readonly TensorData[],
): void {
  actual.forEach((value, i) => {
    const exact = expected[i]!;
    if (Object.is(value, Math.fround(exact))) return;
    const error = Math.abs(value - exact);
    const allowed = Math.abs(exact) < SMALLEST_NORMAL ? SMALLEST_NORMAL : max * ulpOf(exact);
    if (!(error <= allowed)) {
      const arguments_ = inputs.map((input) => input.data[i]).join(", ");
      expect.fail(
        `f(${arguments_}): expected ${exact}; got ${value}, ${error / ulpOf(exact)} ulp away (at most ${max})`,
      );
    }
  });
}

/** |error| <= gamma_K sum |terms|, with half an ulp for the rounding of the result when K is 1. */
export function expectWithinSum(
  actual: TensorData["data"],
  expected: TensorData["data"],
  magnitudes: TensorData["data"],
  terms: number,
): void {
  const unit = 2 ** -24;
  const gamma = (terms * unit) / (1 - terms * unit);
  actual.forEach((value, i) => {
    const error = Math.abs(value - expected[i]!);
    const bound = gamma * magnitudes[i]!;
    if (!(error <= bound))
      expect.fail(`element ${i}: expected ${expected[i]}; got ${value}; error ${error} > ${bound}`);
  });
  expect(actual.length).toBe(expected.length);
}

/** Deterministic numbers in (-scale, scale). */
export function noise(shape: Shape, seed = 1, scale = 1): TensorData {
  let state = seed * 2654435761;
  const data = Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state / 2 ** 32) * 2 - 1) * scale;
  });
  return f32(shape, data);
}

/** Multiples of 1/8 between -2 and 2: sums of their products are exact in float32 in any order. No -0. */
export function dyadic(shape: Shape, seed = 1): TensorData {
  const { data } = noise(shape, seed, 16);
  return f32(
    shape,
    Float32Array.from(data, (x) => Math.round(x) / 8 + 0),
  );
}
