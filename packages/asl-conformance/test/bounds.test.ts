import {
  add,
  build,
  conv2d,
  div,
  exp,
  f32,
  type Graph,
  grad,
  less,
  log,
  matmul,
  mul,
  pow,
  reduceSum,
  select,
  sigmoid,
  sqrt,
  sub,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorBounds } from "../src/bounds.js";
import { ulpOf } from "../src/float32.js";

const SHAPE = [2, 3];
const type = { dtype: "f32", shape: SHAPE } as const;
const graphOf = (body: (a: Value, b: Value) => Value): Graph =>
  build((builder) => ({ y: body(builder.input("a", type), builder.input("b", type)) }));

const COMPOSITES: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  "a b + a": (a, b) => add(mul(a, b), a),
  cancellation: (a, b) => sub(mul(a, b), mul(b, a)),
  "log(sigmoid(a)) + e^b": (a, b) => add(log(sigmoid(a)), exp(b)),
  "a^b sqrt(a) / b": (a, b) => div(mul(pow(a, b), sqrt(a)), b),
  "a chain of sums": (a, b) => reduceSum(mul(reduceSum(a, [1]), reduceSum(b, [1]))),
  "a product of matrices": (a, b) => reduceSum(matmul(a, b.builder.apply("transpose", [b], { permutation: [1, 0] }))),
  "a convolution": (a, b) => {
    const picture = (x: Value) => x.builder.apply("reshape", [x], { shape: [1, 1, 2, 3] });
    return conv2d(picture(a), picture(b), { padding: 1 });
  },
  "a gradient": (a, b) => grad(reduceSum(mul(sigmoid(mul(a, b)), log(a))), [a])[0]!,
};

describe("the composed bound", () => {
  const positives = fc
    .array(fc.double({ min: 0.01, max: 4, noNaN: true }), { minLength: 6, maxLength: 6 })
    .map((numbers) => f32(SHAPE, Float32Array.from(numbers)));

  it.each(Object.entries(COMPOSITES))("holds for float32 arithmetic: %s", (_title, body) => {
    const graph = graphOf(body);
    fc.assert(
      fc.property(positives, positives, (a, b) => {
        const feeds: Tensors = { a, b };
        const { value, error } = errorBounds(graph, feeds).y!;
        const single = evaluate(graph, feeds, { precision: "f32" }).y!;
        single.data.forEach((x: number, i: number) => {
          expect(Math.abs(x - value.data[i]!)).toBeLessThanOrEqual(error[i]!);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("of one op is the op's own contract", () => {
    const graph = graphOf((a) => exp(a));
    const feeds = { a: f32(SHAPE, [0, 1, 2, 3, -1, -2]), b: f32(SHAPE, [0, 0, 0, 0, 0, 0]) };
    const { value, error } = errorBounds(graph, feeds).y!;
    expect([...error]).toEqual(Array.from(value.data, (y) => 4 * ulpOf(y)));
  });

  it("is tight: within a factor of 100 of the error for a well-conditioned chain", () => {
    const graph = graphOf((a, b) => add(mul(a, b), a));
    const feeds = { a: f32(SHAPE, [1, 2, 3, 4, 5, 6]), b: f32(SHAPE, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) };
    const { value, error } = errorBounds(graph, feeds).y!;
    error.forEach((bound, i) => {
      expect(bound).toBeLessThan(100 * ulpOf(value.data[i]!));
    });
  });

  it("promises nothing where a comparison is too close to call", () => {
    const graph = build((builder) => {
      const a = builder.input("a", type);
      const third = mul(mul(a, 3), 1 / 3);
      return { y: select(less(third, a), 1, 0) };
    });
    const { error } = errorBounds(graph, { a: f32(SHAPE, [1, 1, 1, 1, 1, 1]) }).y!;
    expect([...error]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("counts the rounding of numbers that a graph holds in float64", () => {
    const graph = build((builder) => ({ y: builder.constant(0.1) }));
    const { error } = errorBounds(graph, {}).y!;
    expect(error[0]).toBe(Math.abs(Math.fround(0.1) - 0.1));
  });
});
