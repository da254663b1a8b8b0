import {
  ADAM_GROUP,
  accumulateProgram,
  accumulationFeeds,
  adamFeeds,
  binaryCrossEntropy,
  createRandom,
  effectiveNumberWeights,
  emaFeeds,
  f32,
  initialize,
  type TrainProgramOptions,
  trainingState,
  trainProgram,
  tresnet,
} from "asl-core";
import { referenceBackend } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distanceFromHead, isHead } from "../src/layers.js";

const model = tresnet({ blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: 3 });
const IMAGE = 20;
const loss: TrainProgramOptions["loss"] = (logits, targets) => binaryCrossEntropy(logits, targets, {});

/** Seeded pictures `from` .. `from + count` and their targets. */
function feedsOf(from: number, count: number) {
  const rows = Array.from({ length: count }, (_, i) => createRandom(3, from + i));
  const images = rows.flatMap((random) => Array.from({ length: 3 * IMAGE ** 2 }, () => random.uniform()));
  const targets = rows.flatMap((random) => Array.from({ length: 3 }, () => (random.chance(0.4) ? 1 : 0)));
  return {
    images: f32([count, 3, IMAGE, IMAGE], Float32Array.from(images)),
    targets: f32([count, 3], Float32Array.from(targets)),
  };
}

const scalars = { ...adamFeeds({ learningRate: 1e-2, beta1: 0.9, step: 1 }), ...emaFeeds(0.9) };

/** One step in float64 on four pictures; `micro` of them at a time. */
async function step(options: Partial<TrainProgramOptions> = {}, micro = 4) {
  const accumulates = micro < 4;
  const shape = { model, loss, batchSize: micro, imageSize: IMAGE };
  const { isTrained } = options;
  const train = trainProgram({ ...shape, returnGradients: true, accumulated: accumulates, ...options });
  const accumulate = accumulateProgram({ ...shape, ...(isTrained === undefined ? {} : { isTrained }) });
  const state = trainingState(model, { accumulates: true });
  await using session = await referenceBackend({ precision: "f64" }).compile(state, { train, accumulate });
  const before = initialize(state, 1);
  await session.write(before);
  for (let from = 0; from < 4 - micro; from += micro) {
    await session.run("accumulate", { ...feedsOf(from, micro), ...accumulationFeeds(from === 0) });
  }
  const outputs = await session.run("train", { ...feedsOf(4 - micro, micro), ...scalars });
  return { before, outputs, after: await session.read() };
}

/** Largest |a - b| over all elements, relative to the largest |a|. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const largest = Math.max(...Array.from(a, Math.abs), Number.MIN_VALUE);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!))) / largest;
}

/** Float64 sums in another order; thousands of terms. */
const ROUNDING = 1e-12;

describe("gradient accumulation", () => {
  it("over 2 x 2 or 4 x 1 pictures makes the step of one batch of 4", async () => {
    // the head on running statistics: batch norm would see other batches
    const whole = await step({ isTrained: isHead });
    for (const micro of [2, 1]) {
      const parts = await step({ isTrained: isHead }, micro);
      for (const name of ["head.fc.weight", "head.fc.bias", "ema.head.fc.weight", "optimizer.exp_avg.head.fc.weight"]) {
        expect(difference(whole.after[name]!.data, parts.after[name]!.data), name).toBeLessThan(ROUNDING);
      }
    }
  });
});

describe("clipping by the global norm", () => {
  const normOf = (outputs: Awaited<ReturnType<typeof step>>["outputs"]) => {
    const gradients = Object.entries(outputs).filter(([name]) => name.startsWith("grad."));
    return Math.sqrt(gradients.reduce((sum, [, { data }]) => sum + Array.from(data).reduce((s, g) => s + g * g, 0), 0));
  };

  it("scales all gradients to the limit and leaves smaller ones alone; the norm is before clipping", async () => {
    const plain = await step();
    const norm = normOf(plain.outputs);
    const clipped = await step({ clipGradientNorm: norm / 8 });
    expect(clipped.outputs.gradientNorm!.data[0]! / norm).toBeCloseTo(1, 12);
    // PyTorch divides by norm + 1e-6
    expect(normOf(clipped.outputs) / ((norm / 8) * (norm / (norm + 1e-6)))).toBeCloseTo(1, 12);
    const loose = await step({ clipGradientNorm: 2 * norm });
    for (const [name, { data }] of Object.entries(plain.outputs)) expect(loose.outputs[name]!.data, name).toEqual(data);
  });
});

describe("layer-wise learning rates", () => {
  it("scale the step of every stage by the decay to the power of its distance from the head", async () => {
    const plain = await step();
    const decayed = await step({ learningRateScale: (name) => 0.5 ** distanceFromHead(name) });
    const seen = new Set<number>();
    for (const [name, { role }] of Object.entries(model.state)) {
      if (role !== "parameter") continue;
      const start = plain.before[name]!.data;
      const moved = (run: typeof plain) => Array.from(run.after[name]!.data, (value, i) => value - start[i]!);
      const distance = distanceFromHead(name);
      seen.add(distance);
      const expected = moved(plain).map((delta) => delta * 0.5 ** distance);
      expect(difference(expected, moved(decayed)), name).toBeLessThan(1e-9); // differences of numbers near 1
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("frozen parameters", () => {
  it("and all running statistics stay as they are; a group of Adam has scalars of its own", async () => {
    const { before, after } = await step({ isTrained: isHead });
    for (const name of Object.keys(model.state)) {
      if (isHead(name)) expect(after[name]!.data, name).not.toEqual(before[name]!.data);
      else expect([...after[name]!.data], name).toEqual([...before[name]!.data]);
    }
    const grouped = trainProgram({
      model,
      loss,
      batchSize: 4,
      imageSize: IMAGE,
      adamGroup: (name) => (isHead(name) ? ADAM_GROUP : "thawed"),
    });
    expect(Object.keys(grouped.graph.inputs).filter((name) => name.endsWith("step_size"))).toEqual([
      "thawed.step_size",
      "optimizer.step_size",
    ]);
  });
});

describe("weights by the effective number of samples", () => {
  const counts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 });

  it("are (1 - beta) / (1 - beta^n) up to a factor, with mean 1", () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 0.9999, noNaN: true }), (numbers, beta) => {
        const weights = effectiveNumberWeights(numbers, beta);
        const plain = numbers.map((n) => (1 - beta) / (1 - beta ** n));
        expect(
          difference(
            plain.map((weight) => weight / plain[0]!),
            Array.from(weights, (w) => w / weights[0]!),
          ),
        ).toBeLessThan(1e-6);
        expect(weights.reduce((sum, weight) => sum + weight, 0) / weights.length).toBeCloseTo(1, 5);
      }),
    );
  });

  it("are 1 for beta 0, fall with the count, and give a class without pictures the largest", () => {
    expect([...effectiveNumberWeights([1, 50, 7], 0)]).toEqual([1, 1, 1]);
    const [rare, common, none] = effectiveNumberWeights([10, 1000, 0], 0.999);
    expect(rare).toBeGreaterThan(common!);
    expect(none).toBe(rare);
    expect(() => effectiveNumberWeights([0, 0], 0.9)).toThrow("no class occurs");
    expect(() => effectiveNumberWeights([1], 1)).toThrow("beta must be in [0, 1); got 1");
  });
});
