import { build, f32, i32, type PadMode, type Shape, sizeOf, stridesOf, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { apply, f64, values } from "./apply.js";

const iota = (shape: Shape): TensorData =>
  f64(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );

/** The element at a coordinate. */
function at(x: TensorData, index: readonly number[]): number {
  const strides = stridesOf(x.type.shape);
  return x.data[index.reduce((address, i, axis) => address + i * strides[axis]!, 0)]!;
}

/** Every coordinate of a shape, row-major. */
function coordinates(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, extent) => prefixes.flatMap((prefix) => Array.from({ length: extent }, (_, i) => [...prefix, i])),
    [[]],
  );
}

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 0, maxLength: 4 });
const nonEmptyShapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

/** result[index] must equal expected(index) at every coordinate. */
function expectEach(result: TensorData, expected: (index: number[]) => number): void {
  for (const index of coordinates(result.type.shape)) expect(at(result, index)).toBe(expected(index));
}

it("constant gives its tensor in the precision's representation", () => {
  const value = f64([2], [0.1, 2]);
  expect(apply("constant", [], { value }, "f64").data).toEqual(Float64Array.of(0.1, 2));
  expect(apply("constant", [], { value }, "f32").data).toEqual(Float32Array.of(0.1, 2));
  expect(apply("constant", [], { value: i32([1], [7]) }, "f32").data).toEqual(Int32Array.of(7));
});

it("reshape keeps the row-major order", () => {
  const y = apply("reshape", [iota([2, 3])], { shape: [3, 1, 2] });
  expect(y.type.shape).toEqual([3, 1, 2]);
  expect(Array.from(y.data)).toEqual([0, 1, 2, 3, 4, 5]);
});

describe("transpose", () => {
  it("of a matrix", () => {
    expect(values("transpose", [iota([2, 3])], { permutation: [1, 0] })).toEqual([0, 3, 1, 4, 2, 5]);
  });

  it("moves axis permutation[i] to axis i, for every shape and permutation", () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray(
          shape.map((_, axis) => axis),
          { minLength: shape.length },
        ),
      ),
    );
    fc.assert(
      fc.property(cases, ([shape, permutation]) => {
        const x = iota(shape);
        expectEach(apply("transpose", [x], { permutation }), (index) => {
          const source = new Array<number>(shape.length);
          permutation.forEach((axis, i) => {
            source[axis] = index[i]!;
          });
          return at(x, source);
        });
      }),
    );
  });
});

describe("broadcast", () => {
  it("of a scalar fills the shape", () => {
    expect(values("broadcast", [f64([], [3])], { shape: [2, 2], axes: [] })).toEqual([3, 3, 3, 3]);
  });

  it("repeats along the new axes, for every placement", () => {
    const cases = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, axis) => axis))));
    fc.assert(
      fc.property(cases, ([shape, axes]) => {
        const x = iota(axes.map((axis) => shape[axis]!));
        expectEach(apply("broadcast", [x], { shape, axes }), (index) =>
          at(
            x,
            axes.map((axis) => index[axis]!),
          ),
        );
      }),
    );
  });
});

describe("pad", () => {
  const x = f64([4], [1, 2, 3, 4]);
  // numpy.pad([1, 2, 3, 4], (2, 3), mode)
  const expected: Readonly<Record<PadMode, number[]>> = {
    constant: [9, 9, 1, 2, 3, 4, 9, 9, 9],
    reflect: [3, 2, 1, 2, 3, 4, 3, 2, 1],
    edge: [1, 1, 1, 2, 3, 4, 4, 4, 4],
  };
  it.each(Object.entries(expected))("%s as numpy.pad", (mode, elements) => {
    expect(values("pad", [x], { low: [2], high: [3], mode: mode as PadMode, value: 9 })).toEqual(elements);
  });

  it("reflects the corners of a picture on both axes", () => {
    // numpy.pad([[0, 1, 2], [3, 4, 5]], 1, "reflect")
    const y = values("pad", [iota([2, 3])], { low: [1, 1], high: [1, 1], mode: "reflect", value: 0 });
    expect(y).toEqual([4, 3, 4, 5, 4, 1, 0, 1, 2, 1, 4, 3, 4, 5, 4, 1, 0, 1, 2, 1]);
  });

  it("fills an empty tensor's border with the value", () => {
    expect(values("pad", [f64([0], [])], { low: [1], high: [1], mode: "constant", value: -0 })).toEqual([-0, -0]);
  });

  it("rounds the value to the precision", () => {
    const attrs = { low: [1], high: [0], mode: "constant", value: 0.1 } as const;
    expect(values("pad", [f32([0], [])], attrs, "f32")).toEqual([Math.fround(0.1)]);
    expect(values("pad", [f32([0], [])], attrs, "f64")).toEqual([0.1]);
  });

  it("then slice gives the tensor back, in every mode", () => {
    const cases = fc.record({
      shape: nonEmptyShapes,
      mode: fc.constantFrom<PadMode>("constant", "reflect", "edge"),
      widths: fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 4, maxLength: 4 }),
    });
    fc.assert(
      fc.property(cases, ({ shape, mode, widths }) => {
        const most = (axis: number) => (mode === "reflect" ? shape[axis]! - 1 : 3);
        const low = shape.map((_, axis) => Math.min(widths[axis]![0], most(axis)));
        const high = shape.map((_, axis) => Math.min(widths[axis]![1], most(axis)));
        const padded = apply("pad", [iota(shape)], { low, high, mode, value: 5 });
        const starts = low;
        const ends = shape.map((extent, axis) => low[axis]! + extent);
        expect(values("slice", [padded], { starts, ends })).toEqual(Array.from(iota(shape).data));
      }),
    );
  });
});

describe("slice", () => {
  it("of a picture", () => {
    expect(values("slice", [iota([3, 4])], { starts: [1, 1], ends: [3, 3] })).toEqual([5, 6, 9, 10]);
  });

  it("may be empty", () => {
    expect(apply("slice", [iota([3])], { starts: [1], ends: [1] }).type.shape).toEqual([0]);
  });
});

describe("concat", () => {
  it("joins parts of different extents along a middle axis", () => {
    const a = iota([2, 1, 2]);
    const b = f64([2, 2, 2], [10, 11, 12, 13, 14, 15, 16, 17]);
    const empty = f64([2, 0, 2], []);
    const y = apply("concat", [a, empty, b], { axis: 1 });
    expect(y.type.shape).toEqual([2, 3, 2]);
    expect(Array.from(y.data)).toEqual([0, 1, 10, 11, 12, 13, 2, 3, 14, 15, 16, 17]);
  });

  it("of the slices along any axis gives the tensor back", () => {
    fc.assert(
      fc.property(nonEmptyShapes, fc.nat(3), fc.nat(4), (shape, axisSeed, cutSeed) => {
        const axis = axisSeed % shape.length;
        const cut = cutSeed % (shape[axis]! + 1);
        const x = iota(shape);
        const part = (from: number, to: number) =>
          apply("slice", [x], {
            starts: shape.map((_, i) => (i === axis ? from : 0)),
            ends: shape.map((extent, i) => (i === axis ? to : extent)),
          });
        expect(values("concat", [part(0, cut), part(cut, shape[axis]!)], { axis })).toEqual(Array.from(x.data));
      }),
    );
  });
});

describe("gather", () => {
  it("takes rows, repeated and in any order", () => {
    expect(values("gather", [iota([3, 2]), i32([4], [2, 0, 2, 1])], { axis: 0 })).toEqual([4, 5, 0, 1, 4, 5, 2, 3]);
  });

  it("puts the indices' axes in the place of the axis, as numpy.take", () => {
    const table = iota([2, 3, 2]);
    const indices = i32([2, 2], [0, 2, 1, 0]);
    const y = apply("gather", [table, indices], { axis: 1 });
    expect(y.type.shape).toEqual([2, 2, 2, 2]);
    expectEach(y, ([before, i, j, after]) => at(table, [before!, indices.data[i! * 2 + j!]!, after!]));
  });

  it("with a scalar index drops the axis", () => {
    const y = apply("gather", [iota([3, 2]), i32([], [1])], { axis: 0 });
    expect(y.type.shape).toEqual([2]);
    expect(Array.from(y.data)).toEqual([2, 3]);
  });

  it.each([-1, 3])("refuses index %i, naming the place, the range and the scope", (index) => {
    const graph = build((b) => {
      const table = b.input("table", { dtype: "f32", shape: [3, 2] });
      const indices = b.input("indices", { dtype: "i32", shape: [2] });
      return { y: b.scope("embedding", () => b.apply("gather", [table, indices], { axis: 0 })) };
    });
    const feeds = { table: iota([3, 2]), indices: i32([2], [0, index]) };
    expect(() => evaluate(graph, feeds, { precision: "f64" })).toThrow(
      `gather: index ${index} (element 1 of indices i32[2]) is outside axis 0 of table f32[3,2]; ` +
        "it must lie in 0 ... 2 (embedding)",
    );
  });
});
