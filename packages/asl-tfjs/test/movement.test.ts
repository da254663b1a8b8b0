import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import {
  type AttrsOf,
  add,
  type BroadcastAttrs,
  build,
  f32,
  i32,
  less,
  mul,
  type Shape,
  select,
  sizeOf,
  type TensorData,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectContract, expectSameBits, noise, runOn } from "../../../test/contract.js";
import { Lowering, type Quirks } from "../src/lower/lowering.js";
import { BACKENDS } from "./backends.js";

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

describe.each(BACKENDS)("movement ops give equal bits on $name", ({ backend }) => {
  it("reshape", () =>
    property(
      shapes,
      async (shape) => {
        const size = sizeOf(shape);
        for (const target of [[size], [1, size], [size, 1, 1], [...shape, 1], [1, ...shape], [...shape].reverse()]) {
          await expectContract(backend, "reshape", [counting(shape)], { shape: target });
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
      ({ shape, permutation }) => expectContract(backend, "transpose", [counting(shape)], { permutation }),
    ));

  it("broadcast", () =>
    property(
      shapes.chain((shape) => fc.record({ shape: fc.constant(shape), axes: fc.subarray([...shape.keys()]) })),
      ({ shape, axes }) =>
        expectContract(backend, "broadcast", [counting(axes.map((axis) => shape[axis]!))], { shape, axes }),
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
        expectContract(backend, "pad", [counting(shape)], {
          low: low.slice(0, shape.length),
          high: high.slice(0, shape.length),
          mode,
          value: 2.5,
        }),
    ));

  it("pad of integers and truth values", async () => {
    const attrs: AttrsOf<"pad"> = { low: [1], high: [2], mode: "constant", value: 1 };
    await expectContract(backend, "pad", [i32([2], [5, 6])], attrs);
    await expectContract(backend, "pad", [{ type: { dtype: "bool", shape: [2] }, data: Uint8Array.of(0, 1) }], attrs);
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
      ({ shape, starts, ends }) => expectContract(backend, "slice", [counting(shape)], { starts, ends }),
    ));

  it("concat", () =>
    property(
      shapes.chain((shape) =>
        fc.record({ shape: fc.constant(shape), axis: fc.nat(shape.length - 1), count: fc.integer({ min: 1, max: 3 }) }),
      ),
      ({ shape, axis, count }) =>
        expectContract(
          backend,
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
        return expectContract(backend, "gather", [counting(shape), i32([2, 2], [last, 0, 0, last])], { axis });
      },
    ));
});

describe.each(BACKENDS)("ranks and extents at the edge on $name", ({ backend }) => {
  const six = counting([2, 3, 2, 3, 2, 2]);
  const spread = { low: [0, 1, 0, 1, 1, 0], high: [1, 0, 0, 1, 0, 1] };
  it("six axes", async () => {
    await expectContract(backend, "transpose", [six], { permutation: [5, 3, 1, 0, 2, 4] });
    await expectContract(backend, "reshape", [six], { shape: [3, 2, 2, 2, 3, 2] });
    await expectContract(backend, "slice", [six], { starts: [1, 0, 0, 1, 0, 1], ends: [2, 3, 1, 3, 2, 2] });
    await expectContract(backend, "broadcast", [counting([3, 2])], { shape: [2, 3, 2, 1, 2, 4], axes: [1, 4] });
    await expectContract(backend, "concat", [six, six], { axis: 3 });
    await expectContract(backend, "gather", [six, i32([2], [2, 0])], { axis: 3 });
    await expectContract(backend, "pad", [six], { ...spread, mode: "constant", value: -1 });
    await expectContract(backend, "pad", [six], { ...spread, mode: "reflect", value: 0 });
    await expectContract(backend, "reduceSum", [six], { axes: [0, 2, 5] });
    await expectContract(backend, "add", [six, six], {});
  });
  it("no elements", async () => {
    const none = f32([2, 0, 3], []);
    await expectContract(backend, "transpose", [none], { permutation: [2, 0, 1] });
    await expectContract(backend, "reshape", [none], { shape: [0] });
    await expectContract(backend, "broadcast", [none], { shape: [2, 5, 0, 3], axes: [0, 2, 3] });
    await expectContract(backend, "concat", [none, counting([2, 2, 3])], { axis: 1 });
    await expectContract(backend, "concat", [none, none], { axis: 1 });
    await expectContract(backend, "slice", [counting([2, 2])], { starts: [1, 1], ends: [1, 2] });
    await expectContract(backend, "pad", [none], { low: [0, 1, 0], high: [0, 1, 0], mode: "constant", value: 7 });
    await expectContract(backend, "gather", [counting([3, 2]), i32([0], [])], { axis: 0 });
    await expectContract(backend, "add", [none, none], {});
    await expectContract(backend, "less", [none, none], {});
  });
  it("a scalar index", () => expectContract(backend, "gather", [counting([3, 2]), i32([], [1])], { axis: 0 }));
  it("integers and truth values move too", async () => {
    const integers = i32([2, 3], [1, -2, 3, 2147483647, -2147483648, 0]);
    const truth: TensorData = { type: { dtype: "bool", shape: [2, 3] }, data: Uint8Array.of(1, 0, 0, 1, 1, 0) };
    for (const x of [integers, truth]) {
      await expectContract(backend, "transpose", [x], { permutation: [1, 0] });
      await expectContract(backend, "reshape", [x], { shape: [3, 2] });
      await expectContract(backend, "broadcast", [x], { shape: [2, 2, 3], axes: [0, 2] });
      await expectContract(backend, "slice", [x], { starts: [0, 1], ends: [2, 3] });
      await expectContract(backend, "concat", [x, x], { axis: 1 });
      await expectContract(backend, "pad", [x], { low: [1, 1], high: [0, 1], mode: "edge", value: 0 });
    }
  });
});

describe.each(BACKENDS)("values that only repeat on $name", ({ backend }) => {
  const image = { dtype: "f32", shape: [2, 3, 4, 5] } as const;
  const column: BroadcastAttrs = { shape: image.shape, axes: [1] };

  it("give the same bits as op by op, wherever they go", async () => {
    const graph = build((b) => {
      const channel = b.input("channel", { dtype: "f32", shape: [3] });
      const x = b.input("x", image);
      const repeated = b.apply("broadcast", [channel], column);
      const doubled = add(repeated, repeated);
      const one = b.apply("broadcast", [b.input("scalar", { dtype: "f32", shape: [] })], { shape: [2, 3], axes: [] });
      return {
        repeated,
        product: mul(x, doubled),
        sum: b.apply("reduceSum", [doubled], { axes: [0, 2] }),
        maximum: b.apply("reduceMax", [doubled], { axes: [1, 3] }),
        turned: b.apply("transpose", [doubled], { permutation: [3, 1, 0, 2] }),
        reshaped: b.apply("reshape", [doubled], { shape: [6, 20] }),
        sliced: b.apply("slice", [doubled], { starts: [0, 1, 0, 0], ends: [1, 3, 1, 5] }),
        padded: b.apply("pad", [one], { low: [0, 1], high: [1, 0], mode: "reflect", value: 0 }),
        flat: b.apply("reshape", [one], { shape: [6] }),
        both: b.apply("concat", [one, one], { axis: 0 }),
        chosen: select(less(repeated, x), repeated, x),
        multiplied: b.apply("matmul", [one, b.apply("transpose", [one], { permutation: [1, 0] })], {}),
      };
    });
    const feeds = { channel: f32([3], [0.5, 1.25, -3]), x: noise(image.shape), scalar: f32([], [1.5]) };
    const expected = evaluate(graph, feeds, { precision: "f32" });
    const actual = await runOn(backend, graph, feeds);
    for (const [name, tensor] of Object.entries(expected)) {
      expect(actual[name]!.type, name).toEqual(tensor.type);
      expectSameBits(actual[name]!.data, tensor.data);
    }
  });
});

describe("what only GPUs need", () => {
  it("repeats elements along any axes in tiles of rank 3, as broadcastTo does", async () => {
    await tf.setBackend("cpu");
    const quirks: Quirks = {
      maximumDropsNaN: false,
      slicesSlowly: false,
      readsLate: true,
      equalsDivideToOne: false,
      maxHasFloor: false,
      coarse: new Set(),
    };
    const lowering = new Lowering(
      tf,
      build(() => ({})),
      quirks,
      new Set(),
    );
    const axis = fc.record({ extent: fc.integer({ min: 1, max: 3 }), repeats: fc.boolean() });
    await property(fc.array(axis, { minLength: 5, maxLength: 6 }), async (axes) => {
      const shape = axes.map(({ extent }) => extent);
      const compact = axes.map(({ extent, repeats }) => (repeats ? 1 : extent));
      const tensor = tf.reshape(tf.range(0, sizeOf(compact)), compact);
      expect(await lowering.spread(tensor, shape).array()).toEqual(await tf.broadcastTo(tensor, shape).array());
    });
  });
});
