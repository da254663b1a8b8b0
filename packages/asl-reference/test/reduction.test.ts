import { f32, sizeOf } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, dot, f64, values } from "./apply.js";

const NAN = Number.NaN;

/** A shape of extents 0 to 4 with a subset of its axes. */
const reductions = fc
  .array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
  .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, axis) => axis))));

const integers = (size: number) => Array.from({ length: size }, (_, i) => ((i * 7919) % 23) - 11);

describe("reduceSum", () => {
  const x = f64([2, 3], [1, 2, 3, 4, 5, 6]);
  it.each([
    [[0], [5, 7, 9]],
    [[1], [6, 15]],
    [[0, 1], [21]],
    [[], [1, 2, 3, 4, 5, 6]],
  ])("over axes %j", (axes, expected) => {
    expect(values("reduceSum", [x], { axes })).toEqual(expected);
  });

  it("over an empty axis is 0", () => {
    expect(values("reduceSum", [f64([2, 0], [])], { axes: [1] })).toEqual([0, 0]);
  });

  it("is the transpose of broadcast: <sum(x), y> = <x, broadcast(y)>", () => {
    fc.assert(
      fc.property(reductions, ([shape, axes]) => {
        const kept = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
        const keptShape = kept.map((axis) => shape[axis]!);
        const left = f64(shape, integers(sizeOf(shape)));
        const right = f64(keptShape, integers(sizeOf(keptShape)).reverse());
        const summed = apply("reduceSum", [left], { axes });
        const repeated = apply("broadcast", [right], { shape, axes: kept });
        // Integers: both sides are exact.
        expect(dot(summed, right)).toBe(dot(left, repeated));
      }),
    );
  });

  it("in f32 adds one after another and rounds each partial sum", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 }),
        (x) => {
          const expected = x.reduce((sum, element) => Math.fround(sum + element), 0);
          expect(values("reduceSum", [f32([x.length], x)], { axes: [0] }, "f32")).toEqual([expected]);
        },
      ),
    );
  });

  it("in f32 loses what in f64 stays", () => {
    const parts = f32([3], [2 ** 24, 1, 1]);
    expect(values("reduceSum", [parts], { axes: [0] }, "f32")).toEqual([2 ** 24]);
    expect(values("reduceSum", [parts], { axes: [0] }, "f64")).toEqual([2 ** 24 + 2]);
  });
});

describe("reduceMax", () => {
  it.each([
    [[0], [4, 5, 3]],
    [[1], [3, 5]],
    [[0, 1], [5]],
    [[], [1, -2, 3, 4, 5, -6]],
  ])("over axes %j", (axes, expected) => {
    expect(values("reduceMax", [f64([2, 3], [1, -2, 3, 4, 5, -6])], { axes })).toEqual(expected);
  });

  it("lets NaN through, wherever it stands", () => {
    expect(values("reduceMax", [f64([3, 2], [NAN, 1, 1, NAN, 2, 2])], { axes: [1] })).toEqual([NAN, NAN, 2]);
  });

  it("of -0 and 0 is 0, of -Infinity alone is -Infinity", () => {
    expect(values("reduceMax", [f64([2], [-0, 0])], { axes: [0] })).toEqual([0]);
    expect(values("reduceMax", [f64([1], [Number.NEGATIVE_INFINITY])], { axes: [0] })).toEqual([
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it("is the largest element, for every shape and axes", () => {
    const cases = reductions.filter(([shape]) => sizeOf(shape) > 0);
    fc.assert(
      fc.property(cases, ([shape, axes]) => {
        const x = f64(shape, integers(sizeOf(shape)));
        const largest = apply("reduceMax", [x], { axes });
        const kept = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
        const repeated = apply("broadcast", [largest], { shape, axes: kept });
        expect(values("less", [repeated, x], {})).not.toContain(1);
        const reached = apply("cast", [apply("equal", [repeated, x], {})], { to: "f32" });
        expect(values("reduceSum", [reached], { axes }).every((count) => count >= 1)).toBe(true);
      }),
    );
  });
});
