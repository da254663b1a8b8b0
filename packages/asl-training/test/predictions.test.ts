import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { readCheckpoint, writeSafetensors } from "asl-checkpoint";
import { f32 } from "asl-core";
import { describe, expect, it } from "vitest";
import {
  loadPredictions,
  type Predictions,
  PredictionsError,
  savePredictions,
  validationReport,
} from "../src/index.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const inFolder = useTemporaryFolder();

const PREDICTIONS: Predictions = {
  classNames: ["cat", "dog"],
  pictures: ["a.jpg", "ü.jpg", "c.jpg"],
  scores: Float32Array.of(0.1, 0.9, 1e-38, 0.5, 1, 0),
  targets: Float32Array.of(0, 1, -1, 0, 1, 0),
  thresholds: [0.3, 0.4],
};

describe("savePredictions", () => {
  it("and loadPredictions give every bit and name back", async () => {
    await savePredictions(inFolder("p.safetensors"), PREDICTIONS);
    expect(await loadPredictions(inFolder("p.safetensors"))).toEqual(PREDICTIONS);
  });

  it("keeps a missing threshold missing", async () => {
    const { thresholds: _, ...without } = PREDICTIONS;
    await savePredictions(inFolder("p.safetensors"), without);
    expect(await loadPredictions(inFolder("p.safetensors"))).toEqual(without);
  });
});

describe("loadPredictions of an .npz", () => {
  const scores = [0.5, 0.25, 1, 0];
  const labels = [1, 0, 0, 1];

  it("tells scores and labels apart by their values, in any order and type", async () => {
    await writeNpz(inFolder("a.npz"), {
      y: matrix("<i8", labels),
      x: matrix("<f8", scores),
      index: { type: "<i8", shape: [2], values: [1, 2] },
    });
    expect(await loadPredictions(inFolder("a.npz"))).toEqual({
      classNames: ["class 0", "class 1"],
      pictures: ["row 0", "row 1"],
      scores: Float32Array.from(scores),
      targets: Float32Array.from(labels),
    });
  });

  it("decides by names among several, and by keys when told", async () => {
    const other = [0.1, 0.2, 0.3, 0.4];
    await writeNpz(inFolder("a.npz"), {
      scores: matrix("<f4", scores),
      bias: matrix("<f4", other),
      labels: matrix("<f4", labels),
    });
    expect((await loadPredictions(inFolder("a.npz"))).scores).toEqual(Float32Array.from(scores));
    expect((await loadPredictions(inFolder("a.npz"), { scoresKey: "bias" })).scores).toEqual(Float32Array.from(other));
  });

  it("asks for the key when more than one could be meant, or none", async () => {
    await writeNpz(inFolder("two.npz"), {
      a: matrix("<f4", scores),
      b: matrix("<f4", [0.1, 0.2, 0.3, 0.4]),
      labels: matrix("<f4", labels),
    });
    await expect(loadPredictions(inFolder("two.npz"))).rejects.toThrow(
      /more than one array could be the scores; it has a f4\[2,2\], b f4\[2,2\], labels f4\[2,2\]\. Name it with --scores-key/,
    );
    await writeNpz(inFolder("none.npz"), { a: matrix("<f4", scores) });
    await expect(loadPredictions(inFolder("none.npz"))).rejects.toThrow(/no array looks like the targets/);
    await expect(loadPredictions(inFolder("two.npz"), { scoresKey: "c" })).rejects.toThrow(
      /no two-dimensional array of numbers is called "c"/,
    );
  });

  it("refuses logits and names that do not fit", async () => {
    await writeNpz(inFolder("a.npz"), { scores: matrix("<f4", [2, -3, 0.5, 0]), labels: matrix("<f4", labels) });
    await expect(loadPredictions(inFolder("a.npz"))).rejects.toThrow(
      /must be probabilities from 0 to 1; found 2\. If these are logits/,
    );
    await writeNpz(inFolder("b.npz"), { scores: matrix("<f4", scores), labels: matrix("<f4", labels) });
    await expect(loadPredictions(inFolder("b.npz"), { nameClasses: () => ["one"] })).rejects.toThrow(
      "2 classes, but 1 class names were given",
    );
  });
});

describe("loadPredictions of something else", () => {
  it("says what is wrong", async () => {
    await expect(loadPredictions(inFolder("missing.npz"))).rejects.toThrow(/missing\.npz: .*no such file/);
    await writeSafetensors(inFolder("weights.safetensors"), { tensors: { w: f32([1], [1]) } });
    await expect(loadPredictions(inFolder("weights.safetensors"))).rejects.toThrow(PredictionsError);
    await expect(loadPredictions(inFolder("weights.safetensors"))).rejects.toThrow(/holds no predictions/);
    await writeFile(inFolder("text.npz"), "hello");
    await expect(loadPredictions(inFolder("text.npz"))).rejects.toThrow(/text\.npz: /);
    await savePredictions(inFolder("p.safetensors"), PREDICTIONS);
    await expect(readCheckpoint(inFolder("p.safetensors"))).resolves.toMatchObject({ architecture: null });
    const bytes = await readFile(inFolder("p.safetensors"));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(inFolder("p.safetensors"), bytes);
    await expect(loadPredictions(inFolder("p.safetensors"))).rejects.toThrow(/damaged/);
  });
});

const PUBLISHED = resolve(fileURLToPath(import.meta.url), "../../../../fixtures/metrics/coco_tresnet_xl_scores.npz");

describe("published scores of a TResNet-XL on COCO", () => {
  it("give the published mAP and rows", async () => {
    const predictions = await loadPredictions(PUBLISHED);
    const half = validationReport(predictions, 0.5);
    expect(predictions.pictures).toHaveLength(4952);
    expect(Math.abs(half.mAP - 91.2806)).toBeLessThanOrEqual(0.001);
    for (const [threshold, row] of [
      [0.5, { CP: 63.7029, CR: 93.9987, OP: 61.6768, OR: 95.4344 }],
      [0.8, { CP: 89.9616, CR: 82.3678, OP: 90.4096, OR: 84.3415 }],
    ] as const) {
      const report = validationReport(predictions, threshold);
      for (const key of ["CP", "CR", "OP", "OR"] as const) expect(report[key].toFixed(4)).toBe(row[key].toFixed(4));
    }
  });
});

interface NpyInput {
  readonly type: "<f4" | "<f8" | "<i8";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const matrix = (type: NpyInput["type"], values: readonly number[]): NpyInput => ({
  type,
  shape: [2, values.length / 2],
  values,
});

/** Writes an .npz as numpy.savez does: a zip archive of stored .npy files. */
async function writeNpz(file: string, arrays: Readonly<Record<string, NpyInput>>): Promise<void> {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const data = npyOf(array);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(name.length + 4, 22);
    const entryName = Buffer.from(`${name}.npy`);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, entryName, data]);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), fields, position, entryName]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(locals.length, 4);
  end.writeUInt16LE(locals.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  await writeFile(file, Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]));
}

function npyOf({ type, shape, values }: NpyInput): Buffer {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const padded = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11, " ");
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length + 1);
  const arrays = { "<f4": Float32Array, "<f8": Float64Array } as const;
  const data = type === "<i8" ? BigInt64Array.from(values, BigInt) : arrays[type].from(values);
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    length,
    Buffer.from(`${padded}\n`),
    Buffer.from(data.buffer),
  ]);
}
