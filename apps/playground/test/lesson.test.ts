import { createRandom, evaluateProgram, f32, initialize, type Tensors, tresnet } from "asl-core";
import { referenceBackend } from "asl-reference";
import { describe, expect, test } from "vitest";
import { backboneProgram, backboneState, headProgram, headState } from "../src/worker/head.js";
import { teach } from "../src/worker/lesson.js";
import { normalisationOf, normalised, withoutNormalisation } from "../src/worker/normalisation.js";

const SIZE = 20;
const config = { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: 3 } as const;
const backend = referenceBackend({ precision: "f32" });
const random = createRandom("lesson");

const pick = (tensors: Tensors, names: object): Tensors =>
  Object.fromEntries(Object.keys(names).map((name) => [name, tensors[name]!]));

describe.each([
  ["a linear head", tresnet(config)],
  ["the OpenImages head", tresnet({ ...config, headFeatures: 5 })],
])("%s", (_, model) => {
  test("in two parts gives the bits of the whole network", async () => {
    const state = initialize(model.state, 1);
    const images = f32(
      [1, 3, SIZE, SIZE],
      Float32Array.from({ length: 3 * SIZE * SIZE }, () => random.uniform()),
    );
    const whole = evaluateProgram({ model, batchSize: 1, imageSize: SIZE });
    await using session = await backend.compile(model.state, { whole });
    await session.write(state);
    await using backbone = await backend.compile(backboneState(model), { features: backboneProgram(model, SIZE) });
    await backbone.write(pick(state, backboneState(model)));
    await using head = await backend.compile(headState(model), { logits: headProgram(model) });
    await head.write(pick(state, headState(model)));
    const { features } = await backbone.run("features", { images });
    const { logits } = await head.run("logits", { features: features! });
    expect(logits).toEqual((await session.run("whole", { images })).logits);
  });
});

describe("a lesson", () => {
  const model = tresnet(config);
  const width = headState(model)["head.fc.weight"]!.type.shape[1]!;
  // much in common, little that differs
  const features = Array.from({ length: 6 }, (_, i) =>
    Float32Array.from({ length: width }, (_, j) => 3 + (j % 5) + (j === i % 2 ? 0.1 : 0) + 0.01 * random.normal()),
  );
  const head = pick(initialize(model.state, 2), headState(model));
  const lesson = {
    steps: 60,
    labels: ["b"],
    examples: features.map((_, i) => ({ picture: i, labels: i % 2 === 0 ? ["b"] : [] })),
  };
  const input = { backend, model, head, classNames: ["a", "b", "c"], lesson, features, onStep: () => undefined };

  test("tells the pictures apart; labels that are not taught keep their bits", async () => {
    const { head: after, losses } = await teach({ ...input, signal: new AbortController().signal });
    expect(losses).toHaveLength(60);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4);
    const [weight, bias] = [after["head.fc.weight"]!.data, after["head.fc.bias"]!.data];
    const logits = features.map((row) => row.reduce((sum, x, j) => sum + x * weight[width + j]!, bias[1]!));
    expect(logits.map((logit) => logit > 0)).toEqual([true, false, true, false, true, false]);
    for (const row of [0, 2]) {
      const of = (data: ArrayLike<number>) => Array.from(data).slice(row * width, (row + 1) * width);
      expect(of(weight)).toEqual(of(head["head.fc.weight"]!.data));
      expect(bias[row]).toBe(head["head.fc.bias"]!.data[row]);
    }
    expect(weight).not.toEqual(head["head.fc.weight"]!.data);
  });

  test("ends when it is cancelled", async () => {
    const controller = new AbortController();
    const onStep = (step: number) => {
      if (step === 3) controller.abort(new Error("cancelled"));
    };
    await expect(teach({ ...input, onStep, signal: controller.signal })).rejects.toThrow("cancelled");
  });

  test("normalisation changes the numbers of a layer, not what it computes", () => {
    const layer = { weight: head["head.fc.weight"]!, bias: head["head.fc.bias"]! };
    const normalisation = normalisationOf(features);
    const inside = normalised(layer, normalisation);
    const logit = ({ weight, bias }: typeof layer, row: ArrayLike<number>) =>
      Array.from(row).reduce((sum, x, j) => sum + x * weight.data[j]!, bias.data[0]!);
    const x = Array.from(features[0]!, (f, j) => (f - normalisation.mean[j]!) / normalisation.scale);
    expect(logit(inside, x)).toBeCloseTo(logit(layer, features[0]!), 5);
    expect(logit(withoutNormalisation(inside, normalisation), features[0]!)).toBeCloseTo(logit(layer, features[0]!), 5);
    // one picture has no spread to divide by
    expect(normalisationOf(features.slice(0, 1)).scale).toBe(1);
  });
});
