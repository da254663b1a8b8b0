import { f32, initialize, NonFiniteError, type Tensors, tresnet } from "asl-core";
import { referenceBackend } from "asl-reference";
import { describe, expect, it } from "vitest";
import { DivergedError, openPredictor, sigmoidScores } from "../src/index.js";
import { inMemoryLoader } from "./in-memory-loader.js";

const CLASSES = ["cat", "dog", "bird"];
const SIZE = 20;
const model = tresnet({ blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: 3 });
const open = (batchSize: number, change: Tensors = {}, smallerBatches: readonly number[] = []) =>
  openPredictor({
    backend: referenceBackend({ precision: "f32" }),
    model,
    state: { ...initialize(model.state, 3), ...change },
    imageSize: SIZE,
    batchSize,
    smallerBatches,
    classNames: CLASSES,
  });
const loader = (batchSize: number) =>
  inMemoryLoader({ classes: CLASSES, pictures: 5, imageSize: SIZE, batchSize, lastBatch: "pad" });
const pixels = (count: number) =>
  Float32Array.from({ length: count * 3 * SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 100);

describe("sigmoidScores", () => {
  it("is the float64 sigmoid rounded once, far from 0 too", () => {
    const logits = [-100, -18, -1, 0, 1e-3, 5, 18, 700, -700];
    expect([...sigmoidScores(logits)]).toEqual(logits.map((x) => Math.fround(1 / (1 + Math.exp(-x)))));
    expect(sigmoidScores([-18])[0]).toBeCloseTo(1.5229979e-8, 15);
  });
});

describe("openPredictor", () => {
  it("scores a picture the same alone, in a batch and in a batch that is not full", async () => {
    const size = 3 * SIZE * SIZE;
    const data = pixels(3);
    await using four = await open(4);
    const together = await four.predict(f32([3, 3, SIZE, SIZE], data));
    expect(together.scores).toHaveLength(9);
    expect(together.scores).toEqual(sigmoidScores(together.logits));
    await using one = await open(1);
    for (let row = 0; row < 3; row++) {
      const alone = await one.predict(f32([1, 3, SIZE, SIZE], data.slice(row * size, (row + 1) * size)));
      expect(alone.logits).toEqual(together.logits.slice(row * 3, row * 3 + 3));
    }
  });

  it("scores a batch that is not full the same with programs for smaller ones, whatever is padded", async () => {
    await using four = await open(4);
    await using graded = await open(4, {}, [2, 1, 2]);
    for (const count of [1, 2, 3, 4]) {
      const images = f32([count, 3, SIZE, SIZE], pixels(count));
      const found = await graded.predict(images);
      expect(found.scores).toHaveLength(3 * count);
      expect(found).toEqual(await four.predict(images));
    }
    expect(await graded.evaluate(loader(4))).toEqual(await four.evaluate(loader(4)));
  });

  it("runs the smallest program that the pictures fit into", async () => {
    const rows: number[] = [];
    const reference = referenceBackend({ precision: "f32" });
    const backend: typeof reference = {
      ...reference,
      async compile(state, programs) {
        const session = await reference.compile(state, programs);
        return {
          run(program, feeds) {
            rows.push(feeds.images!.type.shape[0]!);
            return session.run(program, feeds);
          },
          read: (names) => session.read(names),
          write: (values) => session.write(values),
          [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
        };
      },
    };
    await using predictor = await openPredictor({
      ...{ backend, model, state: initialize(model.state, 3), imageSize: SIZE, classNames: CLASSES },
      ...{ batchSize: 4, smallerBatches: [1, 2] },
    });
    for (const count of [1, 2, 3, 4]) await predictor.predict(f32([count, 3, SIZE, SIZE], pixels(count)));
    expect(rows).toEqual([1, 2, 4, 4]);
  });

  it.each([[[0]], [[4]], [[1.5]]])("refuses smaller batches of %j", async (sizes) => {
    await expect(open(4, {}, sizes)).rejects.toThrow(
      `openPredictor: smallerBatches must be from 1 to 3 (batchSize - 1); got ${sizes[0]}`,
    );
  });

  it("evaluates a dataset without the padding rows, in its order, whatever the batch size", async () => {
    await using five = await open(5);
    await using two = await open(2);
    const progress: string[] = [];
    const whole = await five.evaluate(loader(5));
    const parts = await two.evaluate(loader(2), { onProgress: (done, total) => progress.push(`${done}/${total}`) });
    expect(whole.pictures).toEqual([0, 1, 2, 3, 4].map((index) => `picture ${index}`));
    expect(whole.classNames).toEqual(CLASSES);
    expect(whole.targets).toHaveLength(15);
    expect(parts).toEqual(whole);
    expect(progress).toEqual(["2/5", "4/5", "5/5"]);
  });

  it("stops between batches when its signal aborts", async () => {
    await using predictor = await open(1);
    const controller = new AbortController();
    const reason = new Error("stop");
    let done = 0;
    const evaluation = predictor.evaluate(loader(1), {
      signal: controller.signal,
      onProgress: () => {
        if (++done === 2) controller.abort(reason);
      },
    });
    await expect(evaluation).rejects.toBe(reason);
    expect(done).toBe(2);
  });

  it("names the picture and class of a logit that is not finite", async () => {
    await using broken = await open(2, { "head.fc.bias": f32([3], [0, Number.NaN, 0]) });
    const error: unknown = await broken
      .predict(f32([1, 3, SIZE, SIZE], pixels(1)), ["cat.jpg"])
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(error).toMatchObject({ picture: "cat.jpg", className: "dog", during: "prediction" });
    expect(String(error)).toContain('prediction: logits is NaN for picture "cat.jpg", class "dog"');
    await expect(broken.evaluate(loader(2))).rejects.toThrow(
      'evaluation: logits is NaN for picture "picture 0", class "dog"',
    );
  });

  it.each([
    [[3, 3, SIZE, SIZE], "images must be f32[1..2,3,20,20]; got f32[3,3,20,20]"],
    [[1, 3, SIZE, SIZE + 4], "images must be f32[1..2,3,20,20]; got f32[1,3,20,24]"],
  ])("refuses images %j", async (shape, message) => {
    await using predictor = await open(2);
    await expect(predictor.predict(f32(shape, new Float32Array(shape.reduce((a, b) => a * b))))).rejects.toThrow(
      message,
    );
  });
});
