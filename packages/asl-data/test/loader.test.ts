import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
// The built package: worker threads run compiled files.
import {
  type Batch,
  createLoader,
  type Dataset,
  decodePicture,
  type Loader,
  type LoaderOptions,
  PictureError,
  resize,
  type SkippedPicture,
  toTensor,
} from "asl-data";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesOf, root, sha256 } from "./repository.js";

const COUNT = 23;
const SIZE = 16;
const folder = mkdtempSync(join(tmpdir(), "asl-data-loader-"));
afterAll(() => rmSync(folder, { recursive: true }));

const dataset = {
  classes: ["red", "green", "blue"],
  items: Array.from({ length: COUNT }, (_, index) => ({
    name: `${index}.png`,
    file: join(folder, `${index}.png`),
    labels: [0, 1, 2].filter((label) => (index >> label) & 1),
  })),
} satisfies Dataset;

/** The dataset with files that are no pictures at these positions. */
function corrupted(...positions: readonly number[]): Dataset {
  const items = dataset.items.map((item, index) =>
    positions.includes(index) ? { ...item, name: `bad-${index}`, file: join(folder, "bad.png") } : item,
  );
  return { ...dataset, items };
}

beforeAll(async () => {
  for (let index = 0; index < COUNT; index++) {
    const [width, height] = [20 + index, 40 - index];
    const data = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * i * (index + 3) + i) % 256));
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, `${index}.png`));
  }
  writeFileSync(join(folder, "bad.png"), "not a picture");
});

async function all(loader: Loader, epoch: number, startBatch = 0): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(epoch, { startBatch })) batches.push(batch);
  return batches;
}

function hashOf({ number, images, targets, mask, names }: Batch): string {
  return sha256(String(number), bytesOf(images.data), bytesOf(targets.data), bytesOf(mask.data), names.join());
}

const augmented = {
  imageSize: SIZE,
  batchSize: 5,
  shuffle: { seed: 3 },
  augment: {
    seed: 4,
    steps: [{ kind: "horizontalFlip" }, { kind: "cutout", fraction: 0.3 }, { kind: "randAugment", magnitude: 12 }],
  },
} as const satisfies LoaderOptions;

const mixed = { ...augmented, augment: { ...augmented.augment, mixing: { kind: "mixUp", alpha: 0.4 } } } as const;

describe("batches", () => {
  it("hold decoded, resized pictures, multi-hot targets and a mask, in order; the last is padded", async () => {
    await using loader = createLoader(dataset, { imageSize: SIZE, batchSize: 5, filter: "bicubic", workers: 0 });
    expect([loader.batchesPerEpoch, loader.itemCount, loader.classes]).toEqual([5, COUNT, dataset.classes]);
    const batches = await all(loader, 0);
    expect(batches.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
    expect(batches.flatMap(({ indices }) => indices)).toEqual(Array.from({ length: COUNT }, (_, index) => index));
    for (const { images, targets, mask, indices, names } of batches) {
      expect(images.type).toEqual({ dtype: "f32", shape: [5, 3, SIZE, SIZE] });
      expect(targets.type).toEqual({ dtype: "f32", shape: [5, 3] });
      expect([...mask.data]).toEqual([1, 1, 1, 1, 1].map((_, row) => (row < indices.length ? 1 : 0)));
      expect(names).toEqual(indices.map((index) => `${index}.png`));
      const expectedImages = new Float32Array(5 * 3 * SIZE * SIZE);
      const expectedTargets = new Float32Array(5 * 3);
      for (const [row, index] of indices.entries()) {
        const { file, labels } = dataset.items[index]!;
        toTensor(resize(await decodePicture(file), SIZE, SIZE, "bicubic"), expectedImages, row * 3 * SIZE * SIZE);
        for (const label of labels) expectedTargets[row * 3 + label] = 1;
      }
      expect(images.data).toEqual(expectedImages);
      expect(targets.data).toEqual(expectedTargets);
    }
  });

  it('leave out an incomplete last batch with lastBatch "drop"', async () => {
    await using loader = createLoader(dataset, { imageSize: SIZE, batchSize: 5, workers: 0, lastBatch: "drop" });
    expect(loader.batchesPerEpoch).toBe(4);
    expect((await all(loader, 0)).every(({ indices }) => indices.length === 5)).toBe(true);
  });

  it("of a shuffled epoch hold every picture once, in an order of its own", async () => {
    await using loader = createLoader(dataset, { ...augmented, workers: 0, augment: false });
    const orders = await Promise.all([0, 1].map(async (e) => (await all(loader, e)).flatMap(({ indices }) => indices)));
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual(dataset.items.map((_, i) => i));
    expect(orders[0]).not.toEqual(orders[1]);
  });
});

describe("order and bytes are a function of dataset, options and epoch alone", () => {
  it("not of workers, prefetch or cache", async () => {
    const hashes = new Map<string, string[]>();
    for (const workers of [0, 1, 2, 3]) {
      for (const [prefetch, cache] of [
        [0, "none"],
        [7, "memory"],
      ] as const) {
        await using loader = createLoader(dataset, { ...mixed, workers, prefetch, cache });
        const epochs = [await all(loader, 0), await all(loader, 1), await all(loader, 0)];
        expect(epochs[2]!.map(hashOf)).toEqual(epochs[0]!.map(hashOf));
        hashes.set(`${workers} ${prefetch} ${cache}`, epochs.flat().map(hashOf));
      }
    }
    expect(new Set([...hashes.values()].map((list) => list.join())).size, [...hashes.keys()].join("; ")).toBe(1);
    expect(new Set(hashes.get("0 0 none")!.slice(0, 10)).size).toBe(10);
  });

  it("so an epoch goes on at any batch as if it had not been interrupted", async () => {
    await using whole = createLoader(dataset, { ...mixed, workers: 0 });
    await using resumed = createLoader(dataset, { ...mixed, workers: 3 });
    const hashes = (await all(whole, 2)).map(hashOf);
    for (let start = 0; start <= hashes.length; start++) {
      expect((await all(resumed, 2, start)).map(hashOf)).toEqual(hashes.slice(start));
    }
  });
});

describe.each([0, 1, 2])("with %i workers", (workers) => {
  it("a corrupt picture is fatal by default, at its batch, with its name", async () => {
    await using loader = createLoader(corrupted(7, 9), { imageSize: SIZE, batchSize: 5, workers });
    const seen: number[] = [];
    const failure = (async () => {
      for await (const { number } of loader.epoch(0)) seen.push(number);
    })();
    await expect(failure).rejects.toThrow(PictureError);
    await expect(failure).rejects.toThrow(`${join(folder, "bad.png")}: not a picture that can be read`);
    expect(seen).toEqual([0]);
    expect((await all(loader, 0, 2)).length, "the loader goes on").toBeGreaterThan(0);
  });

  it("or skipped and reported: its batch is padded, all others stay as they were", async () => {
    const skipped: SkippedPicture[] = [];
    const options: LoaderOptions = { ...augmented, workers, onCorrupt: "skip", onSkip: (each) => skipped.push(each) };
    await using whole = createLoader(dataset, { ...augmented, workers: 0 });
    await using loader = createLoader(corrupted(7, 20), { ...options, cache: "memory" });
    const expected = await all(whole, 0);
    const batches = await all(loader, 0);
    expect(skipped.map(({ index }) => index).sort()).toEqual([20, 7]);
    expect(skipped.every(({ name, error }) => name.startsWith("bad-") && error instanceof PictureError)).toBe(true);
    for (const [number, batch] of batches.entries()) {
      const kept = expected[number]!.indices.filter((index) => index !== 7 && index !== 20);
      expect(batch.indices).toEqual(kept);
      expect([...batch.mask.data]).toEqual([0, 1, 2, 3, 4].map((row) => (row < kept.length ? 1 : 0)));
      const rowSize = 3 * SIZE * SIZE;
      for (const [row, index] of kept.entries()) {
        const from = expected[number]!.indices.indexOf(index);
        expect(batch.images.data.subarray(row * rowSize, (row + 1) * rowSize)).toEqual(
          expected[number]!.images.data.subarray(from * rowSize, (from + 1) * rowSize),
        );
      }
      expect(batch.images.data.subarray(kept.length * rowSize).every((value) => value === 0)).toBe(true);
      expect(batch.targets.data.subarray(kept.length * 3).every((value) => value === 0)).toBe(true);
    }
  });

  it("a batch without a single good picture is left out", async () => {
    const options: LoaderOptions = { imageSize: SIZE, batchSize: 5, workers, onCorrupt: "skip" };
    await using loader = createLoader(corrupted(5, 6, 7, 8, 9), options);
    expect((await all(loader, 0)).map(({ number }) => number)).toEqual([0, 2, 3, 4]);
  });

  it("leaving an epoch early, then another epoch", async () => {
    await using loader = createLoader(dataset, { ...augmented, workers, prefetch: 4 });
    for await (const { number } of loader.epoch(0)) if (number === 1) break;
    expect(await all(loader, 1)).toHaveLength(5);
  });

  it("an abort ends the iteration with the signal's reason", async () => {
    const controller = new AbortController();
    await using loader = createLoader(dataset, { ...augmented, workers });
    const seen: number[] = [];
    const iteration = (async () => {
      for await (const { number } of loader.epoch(0, { signal: controller.signal })) {
        seen.push(number);
        if (number === 1) controller.abort(new Error("enough"));
      }
    })();
    await expect(iteration).rejects.toThrow("enough");
    expect(seen).toEqual([0, 1]);
    expect(await all(loader, 1)).toHaveLength(5);
  });

  it("a disposed loader says so", async () => {
    const loader = createLoader(dataset, { ...augmented, workers });
    const iterator = loader.epoch(0)[Symbol.asyncIterator]();
    await iterator.next();
    await loader.dispose();
    await loader.dispose();
    await expect(iterator.next()).rejects.toThrow("loader: it was disposed");
    await expect(all(loader, 0)).rejects.toThrow("loader: it was disposed");
  });

  it("a program that forgets to dispose ends all the same", async () => {
    const program = `
      import { createLoader } from "asl-data";
      const dataset = JSON.parse(process.argv[1]);
      const loader = createLoader(dataset, { imageSize: 8, batchSize: 4, workers: ${workers}, prefetch: 3 });
      for await (const { number } of loader.epoch(0)) if (number === 1) break;
      let count = 0;
      for await (const batch of loader.epoch(1)) count++;
      process.stdout.write(String(count));`;
    const cwd = join(root, "packages/asl-data");
    const args = ["--input-type=module", "-e", program, JSON.stringify(dataset)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 60_000 });
    expect(stdout).toBe("6");
  });
});

describe("createLoader names a bad option", () => {
  const good: LoaderOptions = { imageSize: 8, batchSize: 2, workers: 0 };
  const cases: readonly (readonly [Partial<LoaderOptions>, string])[] = [
    [{ imageSize: 0 }, "imageSize must be an integer in 1 .. 16384; got 0"],
    [{ batchSize: 1.5 }, "batchSize must be an integer in 1 .. 1000000; got 1.5"],
    [{ workers: -1 }, "workers must be an integer in 0 .. 256; got -1"],
    [{ filter: "lanczos" as "bicubic" }, "filter must be one of bicubic, bilinear; got lanczos"],
    [{ shuffle: { seed: 0.5 } }, "shuffle.seed must be an integer; got 0.5"],
    [{ augment: { seed: 1, steps: [{ kind: "cutout", fraction: 2 }] } }, "cutout: fraction must be in 0 .. 1; got 2"],
    [{ batchSize: 24, lastBatch: "drop" }, '23 pictures do not fill one batch of 24 and lastBatch is "drop"'],
    [{ imageSize: 16_384, cache: "memory" }, 'Use cache "none"'],
  ];
  it.each(cases)("%o", (options, message) => {
    const huge: Dataset = { ...dataset, items: Array.from({ length: 2000 }, () => dataset.items[0]!) };
    expect(() => createLoader(options.cache === "memory" ? huge : dataset, { ...good, ...options })).toThrow(message);
  });

  it("and a bad dataset, epoch or start", async () => {
    expect(() => createLoader({ classes: [], items: dataset.items }, good)).toThrow("it has no classes");
    expect(() => createLoader({ classes: ["a"], items: [] }, good)).toThrow("it has no pictures");
    expect(() => createLoader({ ...dataset, classes: ["a"] }, good)).toThrow("items[2] (2.png) has label 1");
    await using loader = createLoader(dataset, good);
    expect(() => loader.epoch(-1)).toThrow("the epoch must be an integer from 0 on; got -1");
    expect(() => loader.epoch(0, { startBatch: 13 })).toThrow("startBatch must be in 0 .. 12; got 13");
  });
});
