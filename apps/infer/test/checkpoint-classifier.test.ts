import path from "node:path";
import { f32 } from "asl-core";
import { describe, expect, it } from "vitest";
import { openClassifier } from "../src/open-classifier.js";
import { FIXTURES } from "./run-command.js";

const CHECKPOINT = path.join(FIXTURES, "checkpoint.pth");
const SIZE = 32;
const pictures = (rows: number) =>
  f32(
    [rows, 3, SIZE, SIZE],
    Float32Array.from({ length: rows * 3 * SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 100),
  );

describe("a checkpoint opened for batches that are not full", () => {
  it.each([
    ["onnx", [1, 2, 3, 4, 5]],
    ["onnx-web", [1, 2, 3, 4, 5]],
    ["tfjs-wasm", [1, 2, 4, 5]],
  ] as const)("on %s takes %j rows, and scores them as full batches do", async (backend, sizes) => {
    const options = { backend, batchSize: 5, imageSize: SIZE };
    await using full = await openClassifier(CHECKPOINT, options);
    await using partial = await openClassifier(CHECKPOINT, { ...options, partialBatches: true });
    expect(full.batchSizes).toEqual([5]);
    expect(partial.batchSizes).toEqual(sizes);
    const expected = await full.scores(pictures(5), []);
    for (const rows of sizes) {
      const found = await partial.scores(pictures(rows), []);
      expect(found).toHaveLength(rows * 20);
      Array.from(found).forEach((score, index) => {
        expect(score).toBeCloseTo(expected[index]!, 5);
      });
    }
  });
});
