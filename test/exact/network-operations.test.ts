import {
  Builder,
  exactConv2d,
  exactInverseSqrt,
  exactMatmul,
  f32,
  type OpName,
  optimize,
  type TensorData,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluate, evaluateNode } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST, runOnce } from "../goldens/backends.js";
import { differingBits, ulpOf } from "./bits.js";
import { evaluateHostile } from "./hostile-backend.js";
import { OPERATIONS } from "./network-operations.js";

const LEVELS = ["disabled", "basic", "extended", "layout", "all"] as const;
const RUNTIMES = LEVELS.flatMap((level) => [1, 2].map((threads) => ({ level, threads })));
const OTHERS = BACKENDS_UNDER_TEST.filter(
  ({ name, precision }) => precision === "f32" && !["reference-f32", "onnx"].includes(name),
);

/** One correct rounding or none everywhere, or (contractions and reduceSum) sums of small whole numbers. */
const PORTABLE: ReadonlySet<OpName> = new Set([
  ...(["constant", "add", "sub", "mul", "abs", "floor", "max", "min", "less", "select", "cast"] as const),
  ...(["gather", "reshape", "broadcast", "slice", "reduceMax", "reduceSum", "matmul", "conv2d"] as const),
]);

function rootMeanSquareError(actual: TensorData, truth: TensorData): number {
  const squares = Array.from(actual.data, (value, i) => (value - truth.data[i]!) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square) / squares.length);
}

describe.each(OPERATIONS)("$name", ({ exact, native, gradients, feeds, bound }) => {
  const expected = evaluate(exact, feeds, { precision: "f32" }).y!;

  it("has the same bits on onnx at every optimisation level, with 1 and 2 threads", async () => {
    for (const { level, threads } of RUNTIMES) {
      const backend = onnxNodeBackend({ threads, sessionOptions: { graphOptimizationLevel: level } });
      const { y } = await runOnce(backend, exact, feeds);
      expect(differingBits(y!.data, expected.data), `${level}, ${threads}`).toBe(0);
    }
  });

  it.each(OTHERS)("has the same bits on $name", async ({ backend }) => {
    const { y } = await runOnce(backend(), exact, feeds);
    expect(differingBits(y!.data, expected.data)).toBe(0);
  });

  it("has the same bits after the passes, constant folding included", async () => {
    const optimized = optimize(exact, { evaluate: evaluateNode });
    expect(differingBits(evaluate(optimized, feeds, { precision: "f32" }).y!.data, expected.data)).toBe(0);
    const { y } = await runOnce(onnxNodeBackend(), optimized, feeds);
    expect(differingBits(y!.data, expected.data)).toBe(0);
  });

  it("has the same bits where denormals are flushed, zeros have any sign, and sums run in another order", () => {
    expect(differingBits(evaluateHostile(exact, feeds).y!.data, expected.data)).toBe(0);
  });

  if (bound === undefined) {
    it("is no further from float64 than native float32 on onnx", async () => {
      const truth = evaluate(native, feeds, { precision: "f64" }).y!;
      const { y } = await runOnce(onnxNodeBackend(), native, feeds);
      expect(rootMeanSquareError(expected, truth)).toBeLessThanOrEqual(rootMeanSquareError(y!, truth));
    });
  } else {
    it("keeps its bound", () => {
      const truth = evaluate(native, feeds, { precision: "f64" }).y!;
      const magnitude = evaluate(native, bound.magnitudes, { precision: "f64" }).y!;
      expected.data.forEach((value, i) => {
        expect(Math.abs(value - truth.data[i]!)).toBeLessThanOrEqual(bound.roundings * 2 ** -24 * magnitude.data[i]!);
      });
    });
  }

  it("has the gradients of the native operation", () => {
    const actual = evaluate(gradients.exact, feeds, { precision: "f64" });
    for (const [input, truth] of Object.entries(evaluate(gradients.native, feeds, { precision: "f64" }))) {
      const largest = Math.max(...Array.from(truth.data, Math.abs));
      // y itself is off by what its digits leave out
      truth.data.forEach((value, i) => {
        expect(Math.abs(actual[input]!.data[i]! - value)).toBeLessThanOrEqual(2 ** -20 * largest);
      });
    }
  });

  it("is made of portable ops alone", () => {
    expect([...new Set(exact.nodes.map(({ op }) => op))].filter((op) => !PORTABLE.has(op))).toEqual([]);
  });
});

describe("exactMatmul", () => {
  const number = fc.oneof(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => (Math.abs(x) < 2 ** -60 ? 0 : x)),
    fc.integer({ min: -60, max: 60 }).map((exponent) => 2 ** exponent),
  );

  it("keeps its bound for any numbers: |error| <= 2^-23 |y| + 2^-24 sum |a b| + K 2^-26 max |a| max |b|", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }).chain((terms) => {
          const row = fc.array(number, { minLength: terms, maxLength: terms });
          return fc.tuple(row, row);
        }),
        ([left, right]) => {
          const [a, b] = [Float32Array.from(left), Float32Array.from(right)];
          const y = dotProduct(a, b);
          let [truth, absolute] = [0, 0];
          a.forEach((value, i) => {
            truth += value * b[i]!;
            absolute += Math.abs(value * b[i]!);
          });
          const largest = (values: Float32Array) => Math.max(...values.map(Math.abs));
          const bound =
            2 ** -23 * Math.abs(truth) +
            2 ** -24 * absolute +
            a.length * 2 ** -26 * largest(a) * largest(b) +
            2 ** -100;
          expect(Math.abs(y - truth)).toBeLessThanOrEqual(bound);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("scales: powers of two go through unchanged", () => {
    const a = Float32Array.from({ length: 9 }, (_, i) => Math.fround(Math.sin(i + 1)));
    const b = a.map((value) => value * value);
    const scaled = (factor: number) =>
      dotProduct(
        a.map((value) => value * factor),
        b,
      );
    for (const exponent of [-60, -7, 1, 40, 90]) expect(scaled(2 ** exponent)).toBe(scaled(1) * 2 ** exponent);
  });

  it("takes elements below 2^-90 for 0, and passes NaN on", () => {
    expect(dotProduct(Float32Array.of(2 ** -91), Float32Array.of(1))).toBe(0);
    expect(dotProduct(Float32Array.of(2 ** -90), Float32Array.of(1))).toBe(2 ** -90);
    expect(dotProduct(Float32Array.of(0, 1, Number.NaN), Float32Array.of(1, 1, 1))).toBeNaN();
  });

  it("refuses a number of slices that float32 does not have", () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [2, 2] });
    for (const slices of [0, 5, 1.5])
      expect(() => exactMatmul(x, x, { slices })).toThrow(/slices must be 1, 2, 3 or 4/);
  });

  function dotProduct(a: Float32Array, b: Float32Array): number {
    const builder = new Builder();
    const left = builder.input("a", { dtype: "f32", shape: [1, a.length] });
    const right = builder.input("b", { dtype: "f32", shape: [b.length, 1] });
    const graph = builder.finish({ y: exactMatmul(left, right) });
    const feeds = { a: f32([1, a.length], a), b: f32([b.length, 1], b) };
    return evaluate(graph, feeds, { precision: "f32" }).y!.data[0]!;
  }
});

describe("exactConv2d", () => {
  const convolved = (images: Float32Array, batch: number) => {
    const builder = new Builder();
    const shape = [batch, 2, 5, 5];
    const x = builder.input("x", { dtype: "f32", shape });
    const kernel = builder.constant(
      f32(
        [3, 2, 3, 3],
        Array.from({ length: 54 }, (_, i) => Math.cos(i)),
      ),
    );
    const graph = builder.finish({ y: exactConv2d(x, kernel) });
    return evaluate(graph, { x: f32(shape, images) }, { precision: "f32" }).y!.data as Float32Array;
  };

  it("the bits of a picture do not depend on the others in its batch", () => {
    const images = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i) * (i < 50 ? 1 : 1000));
    const whole = convolved(images, 2);
    expect(convolved(images.slice(0, 50), 1)).toEqual(whole.slice(0, 27));
    expect(convolved(images.slice(50), 1)).toEqual(whole.slice(27));
  });

  it("a constant kernel of few bits takes fewer convolutions and gives the same bits", () => {
    const blur = f32(
      [1, 1, 3, 3],
      [1, 2, 1, 2, 4, 2, 1, 2, 1].map((tap) => tap / 16),
    );
    const x = f32(
      [1, 1, 6, 6],
      Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)),
    );
    const constant = new Builder();
    const fed = new Builder();
    const graphs = {
      constant: constant.finish({ y: exactConv2d(constant.input("x", x.type), constant.constant(blur)) }),
      fed: fed.finish({ y: exactConv2d(fed.input("x", x.type), fed.input("kernel", blur.type)) }),
    };
    const count = (graph: typeof graphs.fed) => graph.nodes.filter(({ op }) => op === "conv2d").length;
    expect(count(graphs.constant)).toBe(4);
    expect(count(graphs.fed)).toBe(10);
    const run = (graph: typeof graphs.fed, feeds: Record<string, TensorData>) =>
      evaluate(graph, feeds, { precision: "f32" }).y!.data;
    expect(differingBits(run(graphs.constant, { x }), run(graphs.fed, { x, kernel: blur }))).toBe(0);
  });
});

it("exactInverseSqrt is within 2 ulp from 2^-100 to 2^100", () => {
  const inputs = Float32Array.from({ length: 20_000 }, (_, i) => 2 ** (-100 + (i / 19_999) * 200));
  const builder = new Builder();
  const y = exactInverseSqrt(builder.input("x", { dtype: "f32", shape: [inputs.length] }));
  const outputs = evaluate(builder.finish({ y }), { x: f32([inputs.length], inputs) }, { precision: "f32" }).y!;
  inputs.forEach((x, i) => {
    const truth = 1 / Math.sqrt(x);
    expect(Math.abs(outputs.data[i]! - truth)).toBeLessThanOrEqual(2 * ulpOf(truth));
  });
});
