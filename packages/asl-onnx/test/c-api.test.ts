import { Builder, matmul, mul, type Value } from "asl-core";
import * as node from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { FUNCTIONS } from "../src/c-api/functions.js";
import { encodeModel, toOnnxModel } from "../src/index.js";
import { takesExternalData } from "../src/runtime/external-data.js";
import type { OnnxRuntime } from "../src/runtime/tensors.js";
import { c, floats, modelOf, QUIET } from "./c-models.js";
import { expectSameBits, noise } from "./contract.js";

const RUNTIMES: Readonly<Record<string, OnnxRuntime>> = { c, "onnxruntime-node": node };

const negation = () => c.InferenceSession.create(modelOf("Neg", 1), QUIET);

describe("the table of functions", () => {
  it("is in the order of OrtApi, each place once", () => {
    const places = Object.values(FUNCTIONS).map(({ index }) => index);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
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
