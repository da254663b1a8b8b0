import {
  asymmetricLoss,
  initialize,
  liveness,
  optimize,
  sizeOf,
  type TensorData,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
  verify,
} from "asl-core";
import { evaluate, evaluateNode } from "asl-reference";
import { describe, expect, it } from "vitest";

describe("the optimised training step of a small TResNet", () => {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 3, blocks: [1, 1, 1, 1], widthFactor: 0.125 }));
  const program = trainProgram({
    model,
    batchSize: 2,
    imageSize: 32,
    loss: (logits, targets) => asymmetricLoss(logits, targets),
  });
  const optimised = optimize(program.graph, { evaluate: evaluateNode });

  it("is a valid graph, shorter, with the same inputs and outputs", () => {
    verify(optimised);
    expect(optimised.nodes.length).toBeLessThan(program.graph.nodes.length);
    expect(Object.keys(optimised.inputs)).toEqual(Object.keys(program.graph.inputs));
    expect(Object.keys(optimised.outputs)).toEqual(Object.keys(program.graph.outputs));
    expect(liveness(optimised).residentBytes).toBeGreaterThan(0);
  });

  it("gives the same loss, logits, weights and moments, bit for bit", () => {
    const state = initialize(trainingState(model), 5);
    const { graph, reads } = program;
    const feeds = Object.fromEntries(
      Object.entries(graph.inputs).map(([name, id]): [string, TensorData] => {
        const type = graph.types[id]!;
        const read = reads[name];
        if (read !== undefined) return [name, state[read]!];
        // Any numbers in (0, 1), a different one each: images, targets, learning rate, decays.
        const data = Float32Array.from({ length: sizeOf(type.shape) }, (_, i) => ((i * 37 + id) % 101) / 102 + 0.005);
        return [name, { type, data }];
      }),
    );
    const [before, after] = [graph, optimised].map((of) => evaluate(of, feeds, { precision: "f32" }));
    for (const [name, { data }] of Object.entries(before!)) {
      expect(Array.from(after![name]!.data), name).toEqual(Array.from(data));
    }
    expect(Array.from(before!.loss!.data).every(Number.isFinite)).toBe(true);
  });
});
