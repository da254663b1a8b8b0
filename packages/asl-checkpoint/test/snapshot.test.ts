import { readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { f32, i32, type Tensors } from "asl-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointError, readCheckpoint, readSnapshot, writeSafetensors, writeSnapshot } from "../src/index.js";
import { failure, temporaryFolder } from "./support.js";

const state: Tensors = {
  "body.conv1.0.weight": f32([2, 2], [1, 2, 3, -0]),
  "optimizer.exp_avg.body.conv1.0.weight": f32([2, 2], [1e-30, 2, 3, 4]),
  "ema.body.conv1.0.weight": { type: { dtype: "f32", shape: [1] }, data: Float64Array.of(1 / 3) },
  counter: i32([1], [7]),
};
const progress = {
  step: 12,
  epoch: 3,
  batch: 5,
  seed: [1, 2, 3],
  recipe: { learningRate: 0.0001, note: 'quotes " and ✓' },
  history: [{ loss: 12.545523643493652 }],
};

describe("training snapshots", () => {
  test("come back whole, doubles in double precision", async () => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    await writeSnapshot(file, { state, progress });
    expect(await readSnapshot(file)).toEqual({ state, progress });
  });

  test("progress is any JSON", async () => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (any) => {
        const json = JSON.parse(JSON.stringify(any)); // JSON itself does not know -0
        await writeSnapshot(file, { state: {}, progress: json });
        expect((await readSnapshot(file)).progress).toEqual(json);
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    [{ loss: [1, Number.NaN] }, "progress.loss[1] is NaN, which JSON cannot hold"],
    [{ rate: Number.POSITIVE_INFINITY }, "progress.rate is Infinity"],
  ])("what JSON would silently change is refused: %o", async (wrong, message) => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    expect((await failure(writeSnapshot(file, { state, progress: wrong }))).message).toContain(message);
  });

  test("any flipped bit is found", async () => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    await writeSnapshot(file, { state, progress });
    const good = await readFile(file);
    for (let position = 0; position < good.length; position += 3) {
      const bad = Buffer.from(good);
      bad[position]! ^= 1 << (position % 8);
      await writeFile(file, bad);
      const error = await failure(readSnapshot(file));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toContain(file);
    }
  });

  test("any truncation is found", async () => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    await writeSnapshot(file, { state, progress });
    const { length } = await readFile(file);
    for (let end = length - 1; end >= 0; end -= 13) {
      await truncate(file, end);
      expect(await failure(readSnapshot(file))).toBeInstanceOf(CheckpointError);
    }
  });

  test("a changed number is named as damage", async () => {
    const file = path.join(await temporaryFolder(), "snapshot.safetensors");
    await writeSnapshot(file, { state, progress });
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    expect((await failure(readSnapshot(file))).message).toContain("its content does not match the SHA-256 it carries");
  });

  test("a snapshot is not a checkpoint, and a checkpoint not a snapshot", async () => {
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeSnapshot(file, { state, progress });
    expect((await failure(readCheckpoint(file))).message).toContain("this is a training snapshot");
    await writeSafetensors(file, { tensors: state });
    expect((await failure(readSnapshot(file))).message).toContain("not a training snapshot");
  });
});
