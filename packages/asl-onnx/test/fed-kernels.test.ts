import { build, conv2d, evaluateProgram, f32, initialize, mul, reshape, tresnet, tresnetConfig } from "asl-core";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { encodeModel, exportModel, type OpenOptions, openOnnxModel } from "../src/index.js";
import { feedKernels } from "../src/runtime/fed-kernels.js";

const network = tresnet(tresnetConfig("tresnet_m", { classes: 5, blocks: [1, 1, 1, 1], widthFactor: 0.25 }));
const exported = (overwriteState = false) =>
  exportModel({
    graph: () => evaluateProgram({ model: network, batchSize: 1, imageSize: 32 }).graph,
    ...{ state: initialize(network.state, 1), batch: 1, overwriteState },
  });
const images = f32(
  [1, 3, 32, 32],
  Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 7) / 7),
);
const extended = { sessionOptions: { graphOptimizationLevel: "extended" } } as const;

describe.each(Object.entries({ "onnxruntime-node": node, "onnxruntime-web": web }))(
  "kernels as inputs, %s",
  (_, runtime) => {
    it("give the bits of kernels in the session, run after run", async () => {
      const options: OpenOptions = { runtime, ...extended };
      await using held = await openOnnxModel(exported(), options);
      await using fed = await openOnnxModel(exported(), { ...options, kernels: "fed" });
      const { logits } = await held.run({ images });
      expect((await fed.run({ images })).logits!.data).toEqual(logits!.data);
      expect((await fed.run({ images })).logits!.data).toEqual(logits!.data);
    });

    it("come out of a file, too, and are none of the inputs that a caller sees", async () => {
      const bytes = encodeModel(exported());
      await using held = await openOnnxModel(bytes, { runtime, ...extended });
      await using fed = await openOnnxModel(bytes, { runtime, ...extended, kernels: "fed" });
      expect(fed.inputs).toEqual(held.inputs);
      expect((await fed.run({ images })).logits!.data).toEqual((await held.run({ images })).logits!.data);
      await expect(fed.run({})).rejects.toThrow('input "images" f32[1,3,32,32] is missing');
    });
  },
);

it("kernels that are fed keep their memory; all other weights stay in the model", () => {
  const whole = exported();
  const { model, kernels } = feedKernels(node, whole);
  const names = Object.keys(kernels);
  const convolutions = whole.graph.node.filter(({ opType }) => opType === "Conv");
  expect(new Set(names)).toEqual(new Set(convolutions.map(({ input }) => input[1])));
  expect(model.graph.initializer.length + names.length).toBe(whole.graph.initializer.length);
  for (const { name, rawData } of whole.graph.initializer) {
    const data = kernels[name]?.data;
    expect(data === undefined || (data as Float32Array).buffer === rawData.buffer).toBe(true);
  }
});

describe("a state that may be overwritten", () => {
  it("gives the same file", () => {
    expect(Buffer.from(encodeModel(exported(true))).equals(encodeModel(exported()))).toBe(true);
  });

  it("is scaled where it is, without another copy of a kernel; else it stays as it was", () => {
    const graph = () => evaluateProgram({ model: network, batchSize: 1, imageSize: 32 }).graph;
    const kernel = "body.layer4.0.conv1.0.weight";
    for (const overwriteState of [true, false]) {
      const state = initialize(network.state, 1);
      const before = Float32Array.from(state[kernel]!.data);
      const { initializer } = exportModel({ graph, state, batch: 1, overwriteState }).graph;
      const shared = initializer.some(({ rawData }) => rawData.buffer === state[kernel]!.data.buffer);
      expect(shared).toBe(overwriteState);
      if (!overwriteState) expect(state[kernel]!.data).toEqual(before);
    }
  });

  it("keeps a kernel that another convolution reads, too", () => {
    const state = () => ({ w: f32([2, 2, 1, 1], Float32Array.of(1, 2, 3, 4)), g: f32([2], Float32Array.of(10, 100)) });
    const graph = () =>
      build((builder) => {
        const x = builder.input("x", { dtype: "f32", shape: [1, 2, 1, 1] });
        const w = builder.input("w", { dtype: "f32", shape: [2, 2, 1, 1] });
        const g = reshape(builder.input("g", { dtype: "f32", shape: [2] }), [1, 2, 1, 1]);
        const scaled = mul(conv2d(x, w), g);
        return { y: conv2d(scaled, w), scaled };
      });
    const whole = exportModel({ graph, state: state(), batch: 1 });
    const reused = exportModel({ graph, state: state(), batch: 1, overwriteState: true });
    expect(encodeModel(reused)).toEqual(encodeModel(whole));
  });
});
