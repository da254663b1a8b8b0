import { Builder, createRandom, exactSum, f32, grad } from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runOnce } from "../goldens/backends.js";
import { ulpOf } from "./bits.js";
import { evaluateHostile } from "./hostile-backend.js";

function graphOf(shape: readonly number[], nonNegative: boolean) {
  const builder = new Builder();
  const sum = exactSum(builder.input("x", { dtype: "f32", shape }), { nonNegative });
  return builder.finish({ sum });
}

function sumOf(x: ArrayLike<number>, shape: readonly number[] = [x.length], nonNegative = false): number {
  const feeds = { x: f32(shape, Float32Array.from(x)) };
  return evaluate(graphOf(shape, nonNegative), feeds, { precision: "f32" }).sum!.data[0]!;
}

/** The sum of float32 numbers above 2^-126 without any rounding, in units of 2^-150. */
function exactUnits(x: ArrayLike<number>): bigint {
  let units = 0n;
  for (const value of Array.from(x, Math.fround)) {
    const exponent = Math.max(Math.floor(Math.log2(Math.abs(value) || 1)), -126) - 24;
    units += BigInt(value / 2 ** exponent) << BigInt(exponent + 150);
  }
  return units;
}

/** A float32 number in the same units. */
const unitsOf = (value: number) => exactUnits([value]);

/** |error| <= 0.5 ulp + n 2^-48 S, S <= 2 max|x|. */
function expectWithinContract(x: readonly number[], actual: number): void {
  const error = exactUnits(x) - unitsOf(actual);
  const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const bound = 0.5 * ulpOf(actual) + x.length * 2 ** -47 * largest;
  expect(Math.abs(Number(error)) * 2 ** -150).toBeLessThanOrEqual(bound * (1 + 2 ** -40));
}

const magnitude = fc
  .tuple(fc.float({ min: 1, max: Math.fround(1.9999), noNaN: true }), fc.integer({ min: -40, max: 20 }))
  .map(([significand, exponent]) => significand * 2 ** exponent);
const signed = fc.tuple(magnitude, fc.constantFrom(-1, 1)).map(([size, sign]) => size * sign);

describe("exactSum", () => {
  it("is the sum within half an ulp and n 2^-48 of the largest element's scale", () => {
    fc.assert(
      fc.property(fc.array(signed, { minLength: 1, maxLength: 200 }), (x) => {
        expectWithinContract(x, sumOf(x));
      }),
    );
  });

  it("does not depend on the order or on the shape", () => {
    fc.assert(
      fc.property(fc.array(signed, { minLength: 2, maxLength: 200 }), fc.integer(), (x, seed) => {
        const shuffled = [...x];
        createRandom(seed, "shuffle").shuffle(shuffled);
        const sum = sumOf(x);
        expect(sumOf(shuffled)).toBe(sum);
        expect(sumOf(shuffled, [1, x.length, 1])).toBe(sum);
      }),
    );
  });

  it("needs no signs where there are none: the same bits", () => {
    fc.assert(
      fc.property(fc.array(magnitude, { minLength: 1, maxLength: 200 }), (x) => {
        expect(sumOf(x, [x.length], true)).toBe(sumOf(x));
      }),
    );
  });

  // Around one row of 4096, prime, two levels of rows, 64 x 9605
  it.each([1, 4095, 4096, 4097, 5120, 8191, 50_021, 614_720])("%d elements, shuffled or not", async (size) => {
    const random = createRandom(3, "sum", size);
    const x = Array.from({ length: size }, () => Math.fround(random.normal() * 2 ** random.between(-20, 3)));
    const sum = sumOf(x);
    expectWithinContract(x, sum);
    random.shuffle(x);
    expect(sumOf(x)).toBe(sum);
    const graph = graphOf([size], false);
    const feeds = { x: f32([size], x) };
    expect((await runOnce(onnxNodeBackend(), graph, feeds)).sum!.data[0]).toBe(sum);
    expect(evaluateHostile(graph, feeds).sum!.data[0]).toBe(sum);
  });

  it("keeps what a running float32 sum loses", () => {
    expect(sumOf([2 ** 30, 1, -(2 ** 30)])).toBe(1);
    expect(sumOf(Array.from({ length: 1000 }, () => 2 ** -12).concat(2 ** 20))).toBe(2 ** 20 + 0.25);
  });

  it("edges: nothing, zeros of any sign, tiny and large numbers, NaN and infinity", () => {
    expect(sumOf([])).toBe(0);
    expect(sumOf([-0, -0])).toBe(0);
    expect(sumOf([2 ** -101, 2 ** -120])).toBe(0);
    expect(sumOf([2 ** -100, 2 ** -100])).toBe(2 ** -99);
    expect(sumOf([2 ** 99, 2 ** 99])).toBe(2 ** 100);
    expect(sumOf([1, Number.NaN])).toBe(Number.NaN);
    expect(Number.isFinite(sumOf([1, Number.POSITIVE_INFINITY]))).toBe(false);
  });

  it("has gradient 1 everywhere", () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [2, 3] });
    const [gradient] = grad(exactSum(x), [x]);
    const feeds = { x: f32([2, 3], [1, -2, 3, 0, 1e-30, 5]) };
    const { data } = evaluate(builder.finish({ gradient: gradient! }), feeds, { precision: "f32" }).gradient!;
    expect([...data]).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
