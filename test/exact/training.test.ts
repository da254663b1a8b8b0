import {
  adamFeeds,
  emaFeeds,
  exactAsymmetricLoss,
  f32,
  grad,
  type Model,
  matmul,
  NonFiniteError,
  reshape,
  type Tensors,
  trainingState,
  trainProgram,
  type Value,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST } from "../goldens/backends.js";
import { differences } from "./bits.js";

const BATCH = 4;
const CLASSES = 6;

/** logits = pixels times a matrix: exact for dyadic numbers, so that the loss is all that could differ. */
const linearModel: Model = {
  classes: CLASSES,
  state: { weight: { type: { dtype: "f32", shape: [3, CLASSES] }, role: "parameter", init: { kind: "zeros" } } },
  apply: (images, { weight }) => ({
    logits: matmul(reshape(images, [BATCH, 3]), weight!),
    updates: {},
    stages: {},
  }),
};

const loss = (logits: Value, targets: Value) => exactAsymmetricLoss(logits, targets, { gammaPos: 0, targets: "hard" });

const train = trainProgram({
  model: linearModel,
  batchSize: BATCH,
  imageSize: 1,
  loss,
  report: (logits, targets) => ({ gradient: grad(loss(logits, targets), [logits])[0]! }),
});
const state = trainingState(linearModel);
const float32Backends = BACKENDS_UNDER_TEST.filter(({ precision }) => precision === "f32");

const weightOf = (values: (i: number) => number) =>
  f32(
    [3, CLASSES],
    Float32Array.from({ length: 3 * CLASSES }, (_, i) => values(i)),
  );
const dyadic = weightOf((i) => ((i * 7) % 13) / 4 - 1.5);

function feedsOf(): Tensors {
  return {
    images: f32(
      [BATCH, 3, 1, 1],
      Array.from({ length: 3 * BATCH }, (_, i) => ((i * 5) % 9) / 8),
    ),
    targets: f32(
      [BATCH, CLASSES],
      Array.from({ length: BATCH * CLASSES }, (_, i) => Number(i % 5 === 0)),
    ),
    ...adamFeeds({ step: 1, learningRate: 1e-3, beta1: 0.9 }),
    ...emaFeeds(0.9997),
  };
}

async function step(backend: (typeof float32Backends)[number]["backend"], weight: Tensors[string]): Promise<Tensors> {
  await using session = await backend().compile(state, { train });
  await session.write({ weight });
  return await session.run("train", feedsOf());
}

describe("the exact loss as the loss of a training program", () => {
  it("given the same logits, the loss and its gradient have the same bits on every float32 backend", async () => {
    const results: Tensors[] = [];
    for (const { backend } of float32Backends) results.push(await step(backend, dyadic));
    for (const result of results) {
      expect(result.loss!.data[0]).toBeGreaterThan(0);
      expect(result.gradient!.data.some((value) => value !== 0)).toBe(true);
      expect(differences(result, results[0]!)).toEqual({ loss: 0, logits: 0, gradient: 0 });
    }
  });

  it.each(float32Backends)("$name names row and class of a logit that is not finite", async ({ backend }) => {
    for (const [value, shown] of [
      [Number.NaN, "NaN"],
      [Number.POSITIVE_INFINITY, "Infinity"],
      [Number.NEGATIVE_INFINITY, "-Infinity"],
    ] as const) {
      // The third pixel of the first picture is not 0: class 2 of row 0 is the first bad one
      const weight = weightOf((i) => (i === 2 * CLASSES + 2 ? value : 0));
      const failure = step(backend, weight);
      await expect(failure).rejects.toThrow(NonFiniteError);
      await expect(failure).rejects.toThrow(`logits: ${shown} at row 0, class 2 of [${BATCH},${CLASSES}]`);
    }
  });
});
