import { checkImageSize, evaluateProgram, f32, InputError, initialize, tresnet, tresnetConfig } from "asl-core";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";

const model = tresnet(tresnetConfig("tresnet_m", { classes: 3, blocks: [1, 1, 1, 1], widthFactor: 0.0625 }));
const state = initialize(model.state, 1);

function logits(imageSize: number, images: Float64Array, batchSize = 1) {
  const { graph } = evaluateProgram({ model, batchSize, imageSize });
  const feeds = { ...state, images: f32([batchSize, 3, imageSize, imageSize], images) };
  return evaluate(graph, feeds, { precision: "f64" }).logits!.data;
}

const noise = (size: number) => Float64Array.from({ length: size }, (_, i) => ((i * 7919) % 256) / 255);

describe("TResNet", () => {
  it.each([20, 24, 28, 36, 44, 64])("takes %i px, odd stage sizes included", (size) => {
    expect(() => checkImageSize(size)).not.toThrow();
    expect(logits(size, noise(3 * size * size)).every(Number.isFinite)).toBe(true);
  });

  it.each([0, 16, 18, 62, 63.5, Number.NaN])("refuses %d px with what it needs", (size) => {
    expect(() => checkImageSize(size)).toThrow(InputError);
    expect(() => checkImageSize(size)).toThrow(/multiple of 4, at least 20/);
  });

  it("scores each picture by itself: a permuted batch gives permuted logits", () => {
    const pixels = 3 * 32 * 32;
    const batch = noise(3 * pixels);
    const permuted = new Float64Array(
      [2, 0, 1].flatMap((row) => [...batch.subarray(row * pixels, (row + 1) * pixels)]),
    );
    const [a, b] = [logits(32, batch, 3), logits(32, permuted, 3)];
    expect([...b]).toEqual([2, 0, 1].flatMap((row) => [...a.subarray(row * 3, row * 3 + 3)]));
  });
});
