import { AslError, type AttrsOf, f32, type OpName, type TensorData } from "asl-core";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import * as contract from "../../../test/contract.js";
import { NO_QUIRKS, type Quirks } from "../src/lower/quirks.js";
import { toOnnxModel } from "../src/model.js";
import { onnxBackend } from "../src/runtime/backend.js";
import { sessionOptions } from "../src/runtime/options.js";
import { webgpuQuirks } from "../src/runtime/quirks.js";
import type { OnnxRuntime } from "../src/runtime/tensors.js";
import { inTurn } from "../src/runtime/turns.js";
import { onnxWebgpuBackend } from "../src/webgpu.js";

const vector = (values: readonly number[]): TensorData => f32([values.length], values);
const grid = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

const run = <K extends OpName>(quirks: Quirks, op: K, inputs: readonly TensorData[], attrs: AttrsOf<K>) =>
  contract.expectContract(onnxBackend({ runtime, threads: 1, quirks }), op, inputs, attrs);

describe("exp made of correctly rounded operators", () => {
  const quirks: Quirks = { ...NO_QUIRKS, coarseExp: true };

  it("keeps the contract of exp", async () => {
    const values = [0, -0, Infinity, -Infinity, NaN, -103.9, 88.72, 88.73, 1e30, -1e30, 1e-30, 2 ** -140];
    await run(quirks, "exp", [vector([...values, ...grid(-87, 88.7, 40001), ...grid(-1, 1, 5001)])], {});
  });

  it("keeps that of sigmoid", async () => {
    const values = [0, -0, Infinity, -Infinity, NaN, 1e30, -1e30];
    await run(quirks, "sigmoid", [vector([...values, ...grid(-87, 100, 40001), ...grid(-1, 1, 5001)])], {});
  });

  it("asks the kernel for numbers near 0 only", () => {
    const graph = contract.graphOf("exp", [{ dtype: "f32", shape: [4] }], {});
    const { node } = toOnnxModel(graph, { quirks }).model.graph;
    expect(node.map(({ opType }) => opType).join(" ")).toMatchInlineSnapshot(
      `"Equal Max Min Where Mul Add Floor Mul Sub Mul Sub Mul Floor Exp Max Min Add Cast Gather Mul Sub Max Min Add Cast Gather Mul Where"`,
    );
  });
});

describe("tensors without elements, where kernels refuse them, are constants", () => {
  const quirks: Quirks = { ...NO_QUIRKS, refusesEmpty: true };
  const operators = <K extends OpName>(op: K, shapes: readonly (readonly number[])[], attrs: AttrsOf<K>) => {
    const types = shapes.map((shape) => ({ dtype: "f32" as const, shape }));
    return toOnnxModel(contract.graphOf(op, types, attrs), { quirks }).model.graph.node.map(({ opType }) => opType);
  };

  it("a product over nothing is 0", async () => {
    expect(
      operators(
        "matmul",
        [
          [2, 0],
          [0, 3],
        ],
        {},
      ),
    ).toEqual(["Identity"]);
    const y = await run(quirks, "matmul", [f32([2, 0], []), f32([0, 3], [])], {});
    expect([...y.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("no picture gives no picture", () => {
    const attrs = {
      strides: [1, 1],
      padding: [
        [0, 0],
        [0, 0],
      ],
      dilations: [1, 1],
      groups: 1,
    } as const;
    expect(
      operators(
        "conv2d",
        [
          [0, 2, 3, 3],
          [4, 2, 1, 1],
        ],
        attrs,
      ),
    ).toEqual(["Identity"]);
    expect(
      operators(
        "conv2d",
        [
          [1, 2, 3, 3],
          [4, 2, 1, 1],
        ],
        attrs,
      ),
    ).toEqual(["Conv"]);
  });
});

interface Faults {
  /** Refuses inputs without elements. */
  readonly refusesEmpty?: boolean;
  /** What results without a summand hold. */
  readonly ofNothing?: number;
}

/** onnxruntime-node, with results of some trials off by a factor. */
function device(wrong: Readonly<Record<string, number>>, { refusesEmpty = false, ofNothing = 0 }: Faults = {}) {
  const create = async (
    model: Uint8Array,
    { executionProviders, ...options }: runtime.InferenceSession.SessionOptions,
  ) => {
    expect(executionProviders).toEqual([{ name: "webgpu", preferredLayout: "NCHW" }]);
    const session = await runtime.InferenceSession.create(model, options);
    return {
      async run(feeds: runtime.InferenceSession.FeedsType, fetches: runtime.InferenceSession.FetchesType) {
        const isEmpty = Object.values(feeds).some(({ size }) => size === 0);
        if (isEmpty && refusesEmpty) throw new Error("a workgroup of nothing");
        const results = await session.run(feeds, fetches);
        if (isEmpty) (results.product!.data as Float32Array).fill(ofNothing);
        for (const [name, factor] of isEmpty ? [] : Object.entries(wrong)) {
          const data = results[name]!.data as Float32Array;
          data.forEach((value, i) => {
            data[i] = value * factor;
          });
        }
        return results;
      },
      endProfiling: () => undefined,
      release: () => session.release(),
    };
  };
  return { Tensor: runtime.Tensor, InferenceSession: { create } } as unknown as OnnxRuntime;
}

describe("a device is tried", () => {
  it("nothing is mended where all contracts are kept", async () => {
    expect(await webgpuQuirks(device({}))).toEqual(NO_QUIRKS);
  });

  it.each([
    ["refused", { refusesEmpty: true }],
    ["wrong", { ofNothing: 7 }],
  ])("products over nothing are left to constants where they are %s", async (_, faults) => {
    expect(await webgpuQuirks(device({}, faults))).toEqual({ ...NO_QUIRKS, refusesEmpty: true });
  });

  it("exp is built from others; all else that is coarse goes to the processor", async () => {
    const ulp = 1 + 2 ** -23;
    const quirks = await webgpuQuirks(device({ exp: 1 + 1e-5, pow: 1 + 1e-4, div: ulp, sqrt: ulp }));
    expect(quirks.coarseExp).toBe(true);
    expect(quirks.onProcessor).toEqual(new Set(["Pow", "Div", "Sqrt"]));
  });

  it("once", async () => {
    const tried = device({});
    expect(webgpuQuirks(tried)).toBe(webgpuQuirks(tried));
    await webgpuQuirks(tried);
  });
});

it("nodes for the processor are named to ONNX Runtime", () => {
  const { executionProviders } = sessionOptions("inference", { provider: "webgpu" }, ["loss/Div"]);
  expect(executionProviders).toEqual([{ name: "webgpu", preferredLayout: "NCHW", forceCpuNodeNames: ["loss/Div"] }]);
});

it("calls of one runtime wait for each other, and for no failure", async () => {
  const log: string[] = [];
  const call = (name: string, fails = false) =>
    inTurn(runtime, async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  await Promise.allSettled([call("first", true), call("second"), call("third")]);
  expect(log).toEqual(["first", "second", "third"].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

it("says where it cannot run", async () => {
  const opened = onnxWebgpuBackend().compile({}, {});
  await expect(opened).rejects.toThrow(AslError);
  await expect(opened).rejects.toThrow(/navigator\.gpu is missing.*in Node use asl-onnx\/node/);
});
