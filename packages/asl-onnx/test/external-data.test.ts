import { build, evaluateProgram, f32, type Graph, initialize, type Tensors, tresnet, tresnetConfig } from "asl-core";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { openCRuntime } from "../src/c-api/runtime.js";
import { encodeModel, exportModel, openOnnxModel } from "../src/index.js";
import { takesExternalData } from "../src/runtime/external-data.js";

const SIZE = 2 ** 13;

/** y = x * w, with weights large enough to stand apart. */
function scaling(): { graph: Graph; state: Tensors } {
  const type = { dtype: "f32", shape: [SIZE] } as const;
  const graph = build((builder) => ({
    y: builder.apply("mul", [builder.input("x", type), builder.input("w", type)], {}),
  }));
  return { graph, state: { w: f32([SIZE], new Float32Array(SIZE).fill(3)) } };
}

const runtimes = {
  "onnxruntime-node": node,
  "its library's C interface": await openCRuntime(),
  "onnxruntime-web": web,
};

describe.each(Object.entries(runtimes))("weights beside a model, %s", (_, runtime) => {
  it("are taken", async () => {
    expect(await takesExternalData(runtime)).toBe(true);
  });

  it("give the bits of the whole file, of a TResNet", async () => {
    const model = tresnet(tresnetConfig("tresnet_m", { classes: 5, blocks: [1, 1, 1, 1], widthFactor: 0.25 }));
    const graph = () => evaluateProgram({ model, batchSize: 1, imageSize: 32 }).graph;
    const exported = exportModel({ graph, state: initialize(model.state, 1), batch: 1 });
    const images = f32(
      [1, 3, 32, 32],
      Float32Array.from({ length: 3 * 32 * 32 }, (_value, i) => (i % 7) / 7),
    );
    await using split = await openOnnxModel(exported, { runtime });
    await using whole = await openOnnxModel(encodeModel(exported), { runtime });
    expect((await split.run({ images })).logits!.data).toEqual((await whole.run({ images })).logits!.data);
  });

  it("may be overwritten once the session is there", async () => {
    const { graph, state } = scaling();
    await using session = await openOnnxModel(exportModel({ graph: () => graph, state, batch: 1 }), { runtime });
    state.w!.data.fill(100);
    const { y } = await session.run({ x: f32([SIZE], new Float32Array(SIZE).fill(2)) });
    expect([y!.data[0], y!.data[SIZE - 1]]).toEqual([6, 6]);
  });
});

it("a runtime that refuses them gets the whole file", async () => {
  const { graph, state } = scaling();
  const create = async (...[model, options]: Parameters<typeof node.InferenceSession.create>) => {
    if (options !== undefined && "externalData" in options) throw new Error("externalData is not supported");
    return node.InferenceSession.create(model as unknown as string, options);
  };
  const runtime = { ...node, InferenceSession: { create } as unknown as typeof node.InferenceSession };
  expect(await takesExternalData(runtime)).toBe(false);
  await using session = await openOnnxModel(exportModel({ graph: () => graph, state, batch: 1 }), { runtime });
  expect((await session.run({ x: f32([SIZE], new Float32Array(SIZE).fill(2)) })).y!.data[0]).toBe(6);
});
