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
import { FUNCTIONS } from "../src/c-api/functions.js";
import { openCRuntime } from "../src/c-api/runtime.js";
import { encodeModel, onnxBackend, toOnnxModel } from "../src/index.js";
import type { ValueInfoProto } from "../src/proto/messages.js";
import { takesExternalData } from "../src/runtime/external-data.js";
import type { OnnxRuntime } from "../src/runtime/tensors.js";
import { expectSameBits, noise } from "./contract.js";

const c = await openCRuntime();
const RUNTIMES: Readonly<Record<string, OnnxRuntime>> = { c, "onnxruntime-node": node };

const QUIET = { logSeverityLevel: 4 } as const;

/** A model of one operator, as bytes from x to y of one type and shape. */
function modelOf(opType: string, elemType: number, extents: readonly (number | string)[] = ["n"]): Uint8Array {
  const shape = { dim: extents.map((each) => (typeof each === "string" ? { dimParam: each } : { dimValue: each })) };
  const value = (name: string): ValueInfoProto => ({ name, type: { tensorType: { elemType, shape } } });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "one",
      node: [{ name: "node", opType, input: ["x"], output: ["y"], attribute: [] }],
      initializer: [],
      input: [value("x")],
      output: [value("y")],
    },
  });
}

const floats = (data: readonly number[] | Float32Array, dims: readonly number[] = [data.length]) =>
  new c.Tensor("float32", Float32Array.from(data), [...dims]);

const negation = () => c.InferenceSession.create(modelOf("Neg", 1), QUIET);

describe("the table of functions", () => {
  it("is in the order of OrtApi, each place once", () => {
    const places = Object.values(FUNCTIONS).map(({ index }) => index);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  });
});

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
        for (const runtime of Object.values(RUNTIMES)) {
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
    for (const runtime of Object.values(RUNTIMES)) {
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

describe("memory", () => {
  it("of outputs is the caller's", async () => {
    const session = await negation();
    const y = floats([0, 0, 0]);
    const results = await session.run({ x: floats([1, 2, 3]) }, { y });
    expect(results.y).toBe(y);
    expect(y.data).toEqual(Float32Array.of(-1, -2, -3));
    await session.release();
  });

  it("may be shared by threads, and begin anywhere", async () => {
    const session = await negation();
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer;
    const x = new Float32Array(memory, 4, 3);
    const y = new Float32Array(memory, 20, 3);
    x.set([1, 2, 3]);
    const over = (data: Float32Array) => new c.Tensor("float32", data, [3]);
    await session.run({ x: over(x) }, { y: over(y) });
    expect([...new Float32Array(memory, 0, 9)]).toEqual([0, 1, 2, 3, 0, -1, -2, -3, 0]);
    await session.release();
  });

  it("of weights beside the model is taken", async () => {
    expect(await takesExternalData(c)).toBe(true);
  });

  it("that does not fit an output is refused and left as it was", async () => {
    const session = await negation();
    const y = floats([7, 7]);
    await expect(session.run({ x: floats([1, 2, 3]) }, { y })).rejects.toThrow(/shape/i);
    expect(y.data).toEqual(Float32Array.of(7, 7));
    const taken = floats([1, 2, 3]);
    structuredClone(taken.data, { transfer: [taken.data.buffer as ArrayBuffer] });
    await expect(session.run({ x: taken })).rejects.toThrow('input "x": float32[3] has 12 bytes; its data are 0 bytes');
    await session.release();
  });
});

describe("errors are ONNX Runtime's own, as onnxruntime-node gives them", () => {
  const messageOf = async (action: () => Promise<unknown>): Promise<string> => {
    try {
      await action();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("nothing was thrown");
  };

  it.each([
    ["no model", Uint8Array.of(1, 2, 3)],
    ["an unknown operator", modelOf("Nonsense", 1)],
    ["a file that is not there", "/nowhere/model.onnx"],
  ])("at loading: %s", async (_, model) => {
    const messages = Object.values(RUNTIMES).map((runtime) =>
      messageOf(() => runtime.InferenceSession.create(model as string, QUIET)),
    );
    expect(await messages[0]).toBe(await messages[1]);
  });

  it.each([
    ["a shape", { x: floats([1, 2, 3, 4], [2, 2]) }],
    ["an element type", { x: new c.Tensor("int32", Int32Array.of(1), [1]) }],
  ])("at a run: %s", async (_, feeds) => {
    const messages = Object.values(RUNTIMES).map(async (runtime) => {
      const session = await runtime.InferenceSession.create(modelOf("Neg", 1, ["n"]), QUIET);
      const message = await messageOf(() => session.run(feeds, { y: null }));
      await session.release();
      return message;
    });
    expect(await messages[0]).toBe(await messages[1]);
  });

  it("with the code of the C interface", async () => {
    const session = await negation();
    const x = floats([1]);
    await expect(session.run({ x: floats([1], [1, 1]) })).rejects.toMatchObject({
      name: "OrtError",
      code: "ORT_INVALID_ARGUMENT",
    });
    await expect(session.run({})).rejects.toThrow('input "x" is missing');
    await expect(session.run({ x, z: x })).rejects.toThrow("Invalid input name: z");
    await expect(session.run({ x }, { z: null })).rejects.toThrow('no output is called "z"; the model has y');
    await expect(c.InferenceSession.create(Uint8Array.of(1, 2), QUIET)).rejects.toMatchObject({
      code: "ORT_INVALID_PROTOBUF",
    });
    await session.release();
  });

  it.each([
    [{ executionProviders: ["webgpu"] }, "executionProviders: this binding takes cpu; got webgpu"],
    [{ nonsense: 1 }, 'session option "nonsense" is not known'],
    [{ executionMode: "both" }, "executionMode: this binding takes sequential, parallel; got both"],
    [{ externalData: ["file"] }, "externalData: this binding takes { path, data: Uint8Array }; got string"],
  ] as const)("an option that it has not is refused: %o", async (options, message) => {
    const create = c.InferenceSession.create(modelOf("Neg", 1), options as node.InferenceSession.SessionOptions);
    await expect(create).rejects.toThrow(message);
  });
});

describe("runs at a time", () => {
  const SIDE = 256;
  const large = floats(noise([SIDE, SIDE], 1).data as Float32Array, [SIDE, SIDE]);
  const products = () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [SIDE, SIDE] });
    let y: Value = x;
    for (let i = 0; i < 8; i++) y = mul(matmul(y, x), 1 / SIDE);
    return encodeModel(toOnnxModel(builder.finish({ y })).model);
  };

  it("of two sessions, and two of one, do not disturb each other, nor do they hold up the event loop", async () => {
    const sessions = await Promise.all(
      [products(), products()].map((model) => c.InferenceSession.create(model, QUIET)),
    );
    const alone = (await sessions[0]!.run({ x: large })).y as node.Tensor;
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const results = await Promise.all([0, 1, 0, 1].map((i) => sessions[i]!.run({ x: large })));
    isOver = true;
    for (const { y } of results) expectSameBits((y as node.Tensor).data as Float32Array, alone.data as Float32Array);
    expect(turns).toBeGreaterThan(2);
    for (const session of sessions) await session.release();
  });

  it("end before the session goes, which takes no others", async () => {
    const session = await c.InferenceSession.create(products(), QUIET);
    const run = session.run({ x: large });
    const released = session.release();
    await expect(session.run({ x: large })).rejects.toThrow("cannot run: the session is released");
    await expect(session.release()).rejects.toThrow("cannot release: the session is released");
    expect((await run).y).toMatchObject({ dims: [SIDE, SIDE] });
    await released;
    expect(() => session.endProfiling()).toThrow("the session is released");
  });
});
