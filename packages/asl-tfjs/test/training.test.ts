import * as tf from "@tensorflow/tfjs-core";
import {
  adamFeeds,
  asymmetricLoss,
  emaFeeds,
  f32,
  initialize,
  sizeOf,
  trainingState,
  trainProgram,
  tresnet,
} from "asl-core";
import { referenceBackend } from "asl-reference";
import { describe, expect, it } from "vitest";
import { noise } from "../../../test/contract.js";
import { BACKENDS } from "./backends.js";

const model = tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 4 });
const state = trainingState(model);

/** A program and its feeds for batches of `batchSize` square pictures. */
function training(batchSize: number, imageSize: number) {
  const train = trainProgram({
    model,
    batchSize,
    imageSize,
    returnGradients: true,
    loss: (logits, targets) => asymmetricLoss(logits, targets, { gammaPos: 0 }),
  });
  const targets = Float32Array.from({ length: batchSize * 4 }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const feeds = (step: number) => ({
    images: noise([batchSize, 3, imageSize, imageSize], step),
    targets: f32([batchSize, 4], targets),
    ...adamFeeds({ learningRate: 1e-3, beta1: 0.9, step }),
    ...emaFeeds(0.99),
  });
  return { train, feeds };
}

describe.each(BACKENDS)("training a small TResNet on $name", ({ backend }) => {
  it("loss and every gradient of the first step agree with the float64 reference", async () => {
    // Large enough for batch norm to be well conditioned: 2 pictures of 32 px leave two values per channel at the end,
    // and float32 arithmetic of any kind 2e-4 off.
    const { train, feeds } = training(4, 64);
    const initial = initialize(state, 0);
    await using reference = await referenceBackend({ precision: "f64" }).compile(state, { train });
    await using session = await backend.compile(state, { train });
    await reference.write(initial);
    await session.write(initial);
    const expected = await reference.run("train", feeds(1));
    const actual = await session.run("train", feeds(1));
    expect(Math.abs(actual.loss!.data[0]! / expected.loss!.data[0]! - 1)).toBeLessThanOrEqual(2e-6);
    for (const [name, gradient] of Object.entries(expected)) {
      if (!name.startsWith("grad.")) continue;
      // norm-wise, as the official training run is held to
      let difference = 0;
      let norm = 0;
      gradient.data.forEach((value, i) => {
        difference += (actual[name]!.data[i]! - value) ** 2;
        norm += value ** 2;
      });
      expect(Math.sqrt(difference), name).toBeLessThanOrEqual(1e-5 * Math.sqrt(norm));
    }
  });

  it("leaves no tensor and no byte behind over many steps", async () => {
    const { train, feeds } = training(2, 32);
    await using session = await backend.compile(state, { train });
    await session.write(initialize(state, 0));
    await session.run("train", feeds(1));
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (let step = 2; step <= 12; step++) {
      await session.run("train", feeds(step));
      expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    }
  });

  it("the state on the device is one tensor for each of its entries", async () => {
    const before = tf.memory();
    const session = await backend.compile(state, {});
    const floats = Object.values(state).reduce((sum, { type }) => sum + sizeOf(type.shape), 0);
    expect(tf.memory().numTensors - before.numTensors).toBe(Object.keys(state).length);
    expect(tf.memory().numBytes - before.numBytes).toBe(4 * floats);
    await session[Symbol.asyncDispose]();
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });
});
