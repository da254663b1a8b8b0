import {
  add,
  Builder,
  conv2d,
  exp,
  type Graph,
  less,
  matmul,
  mul,
  reduceSum,
  select,
  sigmoid,
  type TensorData,
  type Value,
} from "asl-core";
import fc from "fast-check";
import * as node from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { onnxBackend } from "../src/index.js";
import { c, floats, modelOf, QUIET } from "./c-models.js";
import { expectSameBits, noise } from "./contract.js";

describe("results have the bits of onnxruntime-node", () => {
  type Step = (values: readonly Value[]) => Value;
  const pick = (values: readonly Value[], at: number) => values[at % values.length]!;
  const index = fc.nat({ max: 20 });
  const SIZE = 5;
  const steps: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(index, index).map(
      ([a, b]): Step =>
        (v) =>
          add(pick(v, a), pick(v, b)),
    ),
    fc.tuple(index, index).map(
      ([a, b]): Step =>
        (v) =>
          mul(pick(v, a), pick(v, b)),
    ),
    fc.tuple(index, index).map(
      ([a, b]): Step =>
        (v) =>
          matmul(sigmoid(pick(v, a)), sigmoid(pick(v, b))),
    ),
    index.map(
      (a): Step =>
        (v) =>
          sigmoid(pick(v, a)),
    ),
    index.map(
      (a): Step =>
        (v) =>
          exp(mul(sigmoid(pick(v, a)), -3)),
    ),
    index.map(
      (a): Step =>
        (v) =>
          add(pick(v, a), reduceSum(sigmoid(pick(v, a)), [1])),
    ),
    fc.tuple(index, index).map(
      ([a, b]): Step =>
        (v) =>
          select(less(pick(v, a), pick(v, b)), pick(v, a), pick(v, b)),
    ),
  );

  /** All values are outputs. */
  function graphOf(chain: readonly Step[]): Graph {
    const builder = new Builder();
    const values: Value[] = ["x", "w"].map((name) => builder.input(name, { dtype: "f32", shape: [SIZE, SIZE] }));
    for (const step of chain) values.push(step(values));
    const smaller = less(values.at(-1)!, values[0]!);
    return builder.finish({ smaller, ...Object.fromEntries(values.slice(2).map((value, i) => [`y${i}`, value])) });
  }

  it("on random programs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 8 }), fc.nat(), async (chain, seed) => {
        const program = { graph: graphOf(chain), reads: {}, writes: {}, finite: [] };
        const feeds = { x: noise([SIZE, SIZE], seed), w: noise([SIZE, SIZE], seed + 1) };
        const results = [];
        for (const runtime of [c, node]) {
          const backend = onnxBackend({ runtime, threads: 1, elementwise: "graph" });
          await using session = await backend.compile({}, { step: program });
          results.push(await session.run("step", feeds));
        }
        const [ours, theirs] = results;
        for (const [name, { type, data }] of Object.entries(theirs!)) {
          expect(ours![name]!.type).toEqual(type);
          expectSameBits(ours![name]!.data, data);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("on a convolution with two threads", async () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [2, 16, 30, 30] });
    const w = builder.input("w", { dtype: "f32", shape: [32, 16, 3, 3] });
    const program = { graph: builder.finish({ y: conv2d(x, w) }), reads: {}, writes: {}, finite: [] };
    const feeds = { x: noise([2, 16, 30, 30], 1), w: noise([32, 16, 3, 3], 2) };
    const results: TensorData[] = [];
    for (const runtime of [c, node]) {
      await using session = await onnxBackend({ runtime, threads: 2 }).compile({}, { step: program });
      results.push((await session.run("step", feeds)).y!);
    }
    expectSameBits(results[0]!.data, results[1]!.data);
  });

  it.each([
    ["float32", 1, Float32Array.of(1.5, -0, Number.NaN, 3e38)],
    ["uint8", 2, Uint8Array.of(0, 255, 7)],
    ["int8", 3, Int8Array.of(-128, 127, 0)],
    ["uint16", 4, Uint16Array.of(0, 65535)],
    ["int16", 5, Int16Array.of(-32768, 32767)],
    ["int32", 6, Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ["int64", 7, BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
    ["bool", 9, Uint8Array.of(1, 0, 1)],
    ["float16", 10, Uint16Array.of(0x3c00, 0x8000, 0x7c00)],
    ["float64", 11, Float64Array.of(Math.PI, -0)],
    ["uint32", 12, Uint32Array.of(0, 2 ** 32 - 1)],
    ["uint64", 13, BigUint64Array.of(0n, 2n ** 64n - 1n)],
  ] as const)("for elements of type %s, also without any", async (type, code, data) => {
    const session = await c.InferenceSession.create(modelOf("Identity", code), QUIET);
    for (const each of [data, data.slice(0, 0)]) {
      const { y } = (await session.run({
        x: new c.Tensor(type as "float32", each as Float32Array, [each.length]),
      })) as {
        y: node.Tensor;
      };
      expect([y.type, y.dims]).toEqual([type, [each.length]]);
      const bytes = (array: ArrayBufferView) => [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
      expect(bytes(y.data as Float32Array)).toEqual(bytes(each));
    }
    await session.release();
  });

  it("of a scalar", async () => {
    const session = await c.InferenceSession.create(modelOf("Neg", 1, []), QUIET);
    expect((await session.run({ x: floats([3], []) })).y).toMatchObject({ dims: [], data: Float32Array.of(-3) });
    await session.release();
  });
});
