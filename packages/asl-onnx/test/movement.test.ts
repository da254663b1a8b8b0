import {
  type AttrsOf,
  Builder,
  f32,
  type Graph,
  i32,
  type OpName,
  type Shape,
  sizeOf,
  type TensorData,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toOnnxModel } from "../src/model.js";
import { expectContract, expectSameBits, noise, runOnnx } from "./contract.js";

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const counting = (shape: Shape): TensorData =>
  f32(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i - 3),
  );

async function property<T>(cases: fc.Arbitrary<T>, check: (value: T) => Promise<unknown>, numRuns = 40): Promise<void> {
  await fc.assert(
    fc.asyncProperty(cases, async (value) => {
      await check(value);
    }),
    { numRuns },
  );
}

describe("movement ops give equal bits", () => {
  it("reshape", () =>
    property(
      shapes,
      async (shape) => {
        const size = sizeOf(shape);
        for (const target of [[size], [1, size], [size, 1, 1], [...shape, 1], [1, ...shape], [...shape].reverse()]) {
          await expectContract("reshape", [counting(shape)], { shape: target });
        }
      },
      10,
    ));

  it("transpose", () =>
    property(
      shapes.chain((shape) =>
        fc.record({
          shape: fc.constant(shape),
          permutation: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
        }),
      ),
      ({ shape, permutation }) => expectContract("transpose", [counting(shape)], { permutation }),
    ));

  it("broadcast", () =>
    property(
      shapes.chain((shape) => fc.record({ shape: fc.constant(shape), axes: fc.subarray([...shape.keys()]) })),
      ({ shape, axes }) => expectContract("broadcast", [counting(axes.map((axis) => shape[axis]!))], { shape, axes }),
    ));

  it("pad, all modes", () =>
    property(
      fc.record({
        shape: fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 4 }),
        low: fc.array(fc.nat(1), { minLength: 4, maxLength: 4 }),
        high: fc.array(fc.nat(1), { minLength: 4, maxLength: 4 }),
        mode: fc.constantFrom("constant" as const, "reflect" as const, "edge" as const),
      }),
      ({ shape, low, high, mode }) =>
        expectContract("pad", [counting(shape)], {
          low: low.slice(0, shape.length),
          high: high.slice(0, shape.length),
          mode,
          value: 2.5,
        }),
    ));

  it("pad of integers and truth values", async () => {
    const attrs: AttrsOf<"pad"> = { low: [1], high: [2], mode: "constant", value: 1 };
    await expectContract("pad", [i32([2], [5, 6])], attrs);
    await expectContract("pad", [{ type: { dtype: "bool", shape: [2] }, data: Uint8Array.of(0, 1) }], attrs);
  });

  it("slice", () =>
    property(
      shapes.chain((shape) =>
        fc.tuple(...shape.map((extent) => fc.tuple(fc.nat(extent), fc.nat(extent)))).map((bounds) => ({
          shape,
          starts: bounds.map(([a, b]) => Math.min(a, b)),
          ends: bounds.map(([a, b]) => Math.max(a, b)),
        })),
      ),
      ({ shape, starts, ends }) => expectContract("slice", [counting(shape)], { starts, ends }),
    ));

  it("concat", () =>
    property(
      shapes.chain((shape) =>
        fc.record({ shape: fc.constant(shape), axis: fc.nat(shape.length - 1), count: fc.integer({ min: 1, max: 3 }) }),
      ),
      ({ shape, axis, count }) =>
        expectContract(
          "concat",
          Array.from({ length: count }, (_, i) =>
            counting(shape.map((extent, a) => (a === axis ? extent + i : extent))),
          ),
          { axis },
        ),
    ));

  it("gather", () =>
    property(
      shapes.chain((shape) => fc.record({ shape: fc.constant(shape), axis: fc.nat(shape.length - 1) })),
      ({ shape, axis }) => {
        const last = shape[axis]! - 1;
        return expectContract("gather", [counting(shape), i32([2, 2], [last, 0, 0, last])], { axis });
      },
    ));
});

describe("lazy broadcasting", () => {
  /** Same bits as op by op, and no Expand in the model where `expands` is 0. */
  async function same(
    build: (builder: Builder, apply: Apply) => Record<string, Value>,
    feeds: Record<string, TensorData>,
    expands: number,
  ) {
    const builder = new Builder();
    const apply: Apply = (op, inputs, attrs) => builder.apply(op, inputs, attrs);
    const graph: Graph = builder.finish(build(builder, apply));
    const { model } = toOnnxModel(graph);
    expect(model.graph.node.filter((node) => node.opType === "Expand").length).toBe(expands);
    const expected = evaluate(graph, feeds, { precision: "f32" });
    const actual = await runOnnx(graph, feeds);
    for (const [name, tensor] of Object.entries(expected)) {
      expect(actual[name]!.type).toEqual(tensor.type);
      expectSameBits(actual[name]!.data, tensor.data);
    }
  }
  type Apply = <K extends OpName>(op: K, inputs: readonly Value[], attrs: AttrsOf<K>) => Value;
  const image = { dtype: "f32", shape: [2, 3, 4, 5] } as const;
  const channel = { dtype: "f32", shape: [3] } as const;

  it("elementwise consumers need no Expand", () =>
    same(
      (b, apply) => {
        const x = b.input("x", image);
        const c = apply("broadcast", [b.input("c", channel)], { shape: image.shape, axes: [1] });
        const half = apply("broadcast", [b.constant(0.5)], { shape: image.shape, axes: [] });
        return { y: apply("mul", [apply("add", [apply("mul", [c, half], {}), half], {}), x], {}) };
      },
      { x: noise(image.shape), c: noise([3], 2) },
      0,
    ));

  it("an output, a reduction, a transpose, a reshape of a repeated value", () =>
    same(
      (b, apply) => {
        const c = apply("broadcast", [b.input("c", channel)], { shape: image.shape, axes: [1] });
        const wide = apply("broadcast", [b.input("row", { dtype: "f32", shape: [2, 1, 5] })], {
          shape: [2, 3, 1, 5],
          axes: [0, 2, 3],
        });
        return {
          repeated: c,
          sum: apply("reduceSum", [c], { axes: [0, 2] }),
          maximum: apply("reduceMax", [c], { axes: [0, 1, 3] }),
          turned: apply("transpose", [c], { permutation: [1, 0, 3, 2] }),
          squeezed: apply("reshape", [wide], { shape: [2, 3, 5] }),
          unsqueezed: apply("reshape", [apply("neg", [wide], {})], { shape: [1, 2, 3, 5, 1] }),
          merged: apply("reshape", [c], { shape: [6, 20] }),
          again: apply("broadcast", [wide], { shape: [2, 3, 1, 5, 2], axes: [0, 1, 2, 3] }),
          reducedUnit: apply("reduceSum", [wide], { axes: [1, 2] }),
          sliced: apply("slice", [c], { starts: [0, 1, 0, 0], ends: [1, 3, 1, 5] }),
        };
      },
      { c: f32([3], [0.5, 1.25, -3]), row: noise([2, 1, 5], 3) },
      7,
    ));

  it("a scalar through transpose, reshape, reduction and concat", () =>
    same(
      (b, apply) => {
        const s = apply("broadcast", [b.input("s", { dtype: "f32", shape: [] })], { shape: [2, 3], axes: [] });
        return {
          turned: apply("transpose", [s], { permutation: [1, 0] }),
          flat: apply("reshape", [s], { shape: [6] }),
          sum: apply("reduceSum", [s], { axes: [0] }),
          total: apply("reduceSum", [s], { axes: [0, 1] }),
          both: apply("concat", [s, s], { axis: 0 }),
        };
      },
      { s: f32([], [1.5]) },
      4,
    ));
});
