import { type AttrsOf, f32, i32, type Shape, sizeOf, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, it } from "vitest";
import { BACKENDS } from "./backends.js";
import { expectContract } from "./contract.js";

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
