import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openModel } from "asl-cli";
import { Builder, evaluateProgram, f32 } from "asl-core";
import { decodeModel, encodeModel, exportOnnx, toOnnxModel, withPreprocess } from "asl-onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClassifierOptions } from "../src/classifier.js";
import { openClassifier } from "../src/open-classifier.js";
import { FIXTURES } from "./run-command.js";

const OPTIONS: ClassifierOptions = { backend: "onnx", batchSize: 2 };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-onnx-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The fixture network as an ONNX file with just this metadata. */
async function write(metadata: Record<string, string>, batch: "dynamic" | number = "dynamic"): Promise<string> {
  const { model, state } = await openModel(path.join(FIXTURES, "checkpoint.pth"), { imageSize: 32 });
  const graph = (batchSize: number) => evaluateProgram({ model, batchSize, imageSize: 32 }).graph;
  const file = path.join(folder, "model.onnx");
  await writeFile(file, exportOnnx({ graph, state, batch, metadata }));
  return file;
}

const labels = JSON.stringify(Array.from({ length: 20 }, (_, index) => `thing ${index}`));

describe("an ONNX file", () => {
  it("says its class names, thresholds and filter", async () => {
    const file = await write({ labels, thresholds: "0.7", image_size: "32", resize_filter: "bilinear" });
    await using classifier = await openClassifier(file, OPTIONS);
    expect(classifier).toMatchObject({ thresholds: 0.7, imageSize: 32, resizeFilter: "bilinear", batchSize: 2 });
    expect(classifier.classNames[19]).toBe("thing 19");
    expect(classifier.notes).toEqual([]);
  });

  it("without metadata works, too, and says what is assumed", async () => {
    await using classifier = await openClassifier(await write({}, 3), OPTIONS);
    expect(classifier).toMatchObject({ thresholds: 0.8, imageSize: 32, resizeFilter: "bicubic", batchSize: 3 });
    expect(classifier.classNames[19]).toBe("class 19");
    expect(classifier.notes.join("\n")).toMatch(/names no classes; --classes FILE[\s\S]*assuming bicubic/);
    const scores = await classifier.scores(f32([3, 3, 32, 32], new Float32Array(3 * 3 * 32 * 32)), ["a", "b", "c"]);
    expect(scores).toHaveLength(60);
    for (const score of Array.from(scores)) expect(score).toSatisfy((p: number) => p > 0 && p < 1);
  });

  it("with preprocessing in the graph gives the same scores as one without", async () => {
    const thresholds = Array.from({ length: 20 }, (_, index) => index / 20);
    const plain = await write({ labels, thresholds: JSON.stringify(thresholds), image_size: "32" });
    const inside = path.join(folder, "inside.onnx");
    const options = { imageSize: 32, resizeFilter: "bicubic", thresholds } as const;
    await writeFile(inside, encodeModel(withPreprocess(decodeModel(await readFile(plain)), options)));
    await using expected = await openClassifier(plain, OPTIONS);
    await using found = await openClassifier(inside, OPTIONS);
    expect(found).toMatchObject({ imageSize: 32, thresholds, batchSizes: [1, 2] });
    // tensors of pictures: value / 255 of a byte
    const pixels = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => ((i * 37) % 256) / 255);
    const images = f32([2, 3, 32, 32], pixels);
    const scores = await found.scores(images, ["a", "b"]);
    const others = await expected.scores(images, ["a", "b"]);
    Array.from(others).forEach((score, index) => {
      // one function of the same logits: sigmoid in f32 and in f64
      expect(Math.abs(scores[index]! - score)).toBeLessThanOrEqual(8 * 2 ** -24);
    });
    await expect(openClassifier(inside, { ...OPTIONS, imageSize: 64 })).rejects.toThrow(/for pictures of 32 x 32/);
  });

  it("takes given class names, one for each class", async () => {
    const file = await write({ labels });
    const names = Array.from({ length: 20 }, (_, index) => `other ${index}`);
    await using classifier = await openClassifier(file, { ...OPTIONS, classNames: names });
    expect(classifier.classNames).toEqual(names);
    await expect(openClassifier(file, { ...OPTIONS, classNames: ["one"] })).rejects.toThrow(
      /model\.onnx: the model has 20 classes, but the given list has 1 class names/,
    );
  });

  it.each([
    ["labels", "cat, dog", /metadata "labels" should be a JSON array of names; found "cat, dog"/],
    ["labels", '["cat"]', /the model has 20 classes, but the checkpoint has 1 class names/],
    ["thresholds", "[0.5, 2]", /metadata "thresholds" should be a number from 0 to 1/],
    ["thresholds", "[0.5, 0.6]", /20 classes, but there are 2 thresholds/],
    ["image_size", "large", /metadata "image_size" should be a number of pixels; found "large"/],
    ["resize_filter", "nearest", /metadata "resize_filter" should be "bicubic" or "bilinear"; found "nearest"/],
  ])("with damaged metadata is refused: %s = %s", async (key, value, message) => {
    await expect(openClassifier(await write({ [key]: value }), OPTIONS)).rejects.toThrow(message);
  });

  it("is refused for another image size than it was exported for", async () => {
    await expect(openClassifier(await write({}), { ...OPTIONS, imageSize: 64 })).rejects.toThrow(
      /--image-size 64: .*model\.onnx was exported for pictures of 32 x 32/,
    );
  });

  it("that is no picture classifier is refused with what it takes", async () => {
    const builder = new Builder();
    const graph = builder.finish({ y: builder.input("x", { dtype: "f32", shape: [2, 5] }) });
    const file = path.join(folder, "other.onnx");
    await writeFile(file, encodeModel(toOnnxModel(graph).model));
    await expect(openClassifier(file, OPTIONS)).rejects.toThrow(
      /other\.onnx: expected one input f32\[batch,3,S,S\] or u8\[batch,height,width,3\]; found "x" f32\[2,5\]/,
    );
  });

  it("holds one set of weights, and is read by ONNX Runtime only", async () => {
    const file = await write({});
    await expect(openClassifier(file, { ...OPTIONS, weights: "ema" })).rejects.toThrow(/--weights: .*leave it out/);
    await expect(openClassifier(file, { ...OPTIONS, backend: "reference" })).rejects.toThrow(/use onnx or onnx-web/);
  });
});
