import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createReporter, openModel } from "asl-cli";
import { f32, meanAveragePrecision } from "asl-core";
import { decodePicture, toTensor } from "asl-data";
import { type QuantizationReport, readOnnxMetadata } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import { sigmoidScores } from "asl-training";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { largestDifference, samePictures, scoreBound } from "../src/agreement.js";
import { buildOnnx, preprocessed } from "../src/build-onnx.js";
import { exportCommand, exportModel } from "../src/command.js";
import { spread } from "../src/int8.js";
import { measureMap } from "../src/measure-map.js";
import { verifyQuantized } from "../src/verify.js";
import { CHECKPOINT, run, temporaryFolder } from "./support.js";

const PICTURES = 6;

let folder: string;
let photos: string;
let annotations: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  photos = inFolder("photos");
  await mkdir(photos);
  await mkdir(inFolder("empty"));
  const { classNames } = await openModel(CHECKPOINT, { imageSize: 64 });
  const images = Array.from({ length: PICTURES }, (_, id) => ({ id, file_name: `${id}.png`, width: 70, height: 64 }));
  for (const { id, file_name } of images) {
    const noise = { type: "gaussian" as const, mean: 60 + 20 * id, sigma: 40 };
    const background = { r: 40 * id, g: 255 - 40 * id, b: 128 };
    await sharp({ create: { width: 70, height: 64, channels: 3, background, noise } })
      .png()
      .toFile(path.join(photos, file_name));
  }
  annotations = inFolder("instances.json");
  const coco = {
    images,
    categories: classNames.map((name, id) => ({ id, name })),
    annotations: classNames.map((_, id) => ({ id, image_id: id % PICTURES, category_id: id, bbox: [0, 0, 9, 9] })),
  };
  await writeFile(annotations, JSON.stringify(coco));
});

const exportTiny = (...args: string[]) => run("--model", CHECKPOINT, "--image-size", "64", ...args);

/** In this process; rejects with what the command would print. */
async function parsedAndRun(...args: string[]): Promise<number> {
  const command = exportCommand();
  command.configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: "user" });
  const context = { report: createReporter({ quiet: true }), signal: new AbortController().signal };
  return await exportModel(command.opts(), context);
}

/** From the scores of the annotated pictures, which are the names of the classes modulo their number. */
async function measuredMap(file: Uint8Array): Promise<number> {
  await using session = await openOnnxModelNode(file);
  const scores: number[] = [];
  const targets: number[] = [];
  for (let id = 0; id < PICTURES; id++) {
    const resize = { width: 64, height: 64, filter: "bicubic" } as const;
    const images = new Float32Array(3 * 64 * 64);
    toTensor(await decodePicture(path.join(photos, `${id}.png`), { resize }), images);
    const { logits } = await session.run({ images: f32([1, 3, 64, 64], images) });
    scores.push(...sigmoidScores(logits!.data));
    targets.push(...Array.from({ length: 20 }, (_, category) => (category % PICTURES === id ? 1 : 0)));
  }
  return meanAveragePrecision(Float32Array.from(scores), Float32Array.from(targets), [PICTURES, 20]).mAP;
}

describe("spread", () => {
  it("keeps every picture once, the first 2^k at equal distances", () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(4), (count, power) => {
        const places = Array.from({ length: count }, (_, index) => index);
        const found = spread(places);
        expect([...found].sort((a, b) => a - b)).toEqual(places);
        const few = 2 ** power;
        if (few > count) return;
        const first = found.slice(0, few).sort((a, b) => a - b);
        expect(first).toEqual(Array.from({ length: few }, (_, index) => Math.floor((index * count) / few)));
      }),
    ));
});

interface Result {
  readonly bytes: number;
  readonly int8: QuantizationReport;
  readonly mAP: { readonly pictures: number; readonly float32: number; readonly int8: number };
}

describe("--int8", () => {
  it("writes a smaller file, and reports the error of every layer and mAP before and after", async () => {
    const out = inFolder("model.onnx");
    const { code, stdout, stderr } = await exportTiny(
      ...["--int8", "--calibrate", photos, "--annotations", annotations, "--out", out, "--json"],
    );
    expect(code, stderr).toBe(0);
    const { bytes, int8, mAP } = JSON.parse(stdout) as Result;
    const file = await readFile(out);
    const float = buildOnnx(await openModel(CHECKPOINT, { imageSize: 64 }), "dynamic");
    expect(file.length).toBe(bytes);
    expect(file.length).toBeLessThan(float.length / 2);
    expect(int8).toMatchObject({ method: "minmax", weightBits: 7, biasCorrection: true, pictures: PICTURES });
    expect(int8.error).toBeLessThanOrEqual(int8.maxError);
    expect(int8.layers.map(({ opType }) => opType)).toEqual([...Array.from({ length: 24 }, () => "Conv"), "Gemm"]);
    expect(mAP.pictures).toBe(PICTURES);
    expect(mAP.float32).toBeCloseTo(await measuredMap(float), 10);
    expect(mAP.int8).toBeCloseTo(await measuredMap(file), 10);

    const { quantization, ...metadata } = readOnnxMetadata(file).metadata;
    expect(metadata).toEqual(readOnnxMetadata(float).metadata);
    expect(JSON.parse(quantization!)).toMatchObject({ error: int8.error });
    await using session = await openOnnxModelNode(file);
    expect(session.inputs.images!.shape).toEqual(["batch", 3, 64, 64]);
  });

  it("measures on the pictures of a CSV, of whichever split they are", async () => {
    const model = await openModel(CHECKPOINT, { imageSize: 64 });
    const float = buildOnnx(model, "dynamic");
    const csv = inFolder("train.csv");
    const rows = model.classNames.map((name, index) => ({ name, file: `${index % PICTURES}.png` }));
    const lines = Array.from({ length: PICTURES }, (_, id) => {
      const labels = rows.filter(({ file }) => file === `${id}.png`).map(({ name }) => name);
      return `${id}.png,${labels.join("|")},train`;
    });
    await writeFile(csv, ["path,labels,split", ...lines].join("\n"));
    const context = { report: createReporter({ quiet: true }), signal: new AbortController().signal };
    const options = { float, int8: float, model, folder: photos, annotations: csv, batchSize: 1 };
    const { pictures, float32 } = await measureMap(options, context);
    expect(pictures).toBe(PICTURES);
    expect(float32).toBeCloseTo(await measuredMap(float), 10);
  });

  it("goes with preprocessing in the graph: scores of the quantised network", async () => {
    const [plain, out] = [inFolder("plain.onnx"), inFolder("tagger.onnx")];
    const options = ["--int8", "--calibrate", photos, "--json"];
    expect((await exportTiny(...options, "--out", plain)).code).toBe(0);
    const { code, stdout, stderr } = await exportTiny(...options, "--with-preprocess", "--out", out);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ precision: "int8", compared: "float32 network" });
    await using network = await openOnnxModelNode(await readFile(plain));
    await using tagger = await openOnnxModelNode(await readFile(out));
    expect(tagger.inputs.images).toEqual({ dtype: "u8", shape: ["batch", "height", "width", 3] });
    const { pictures, images } = samePictures(3, 64);
    const { logits } = await network.run({ images });
    const { scores } = await tagger.run({ images: pictures });
    const sigmoids = Array.from(logits!.data, (x) => 1 / (1 + Math.exp(-x)));
    expect(largestDifference(sigmoids, scores!)).toBeLessThanOrEqual(scoreBound(0));
    const model = await openModel(CHECKPOINT, { imageSize: 64 });
    const verification = { model, batch: "dynamic", out, signal: new AbortController().signal } as const;
    await verifyQuantized(await readFile(out), await readFile(plain), verification);
    const other = preprocessed(buildOnnx(model, "dynamic"), model);
    await expect(verifyQuantized(other, await readFile(plain), verification)).rejects.toThrow(
      /not written. At batch 1 its outputs differ from the quantised network's by/,
    );
  });

  it("prints the same as a table, for a fixed batch, with the sensitive layers in float32", async () => {
    const { code, stdout } = await exportTiny(
      ...["--int8", "--calibrate", photos, "--calibrate-count", "4", "--batch", "2", "--calibration", "mse"],
      ...["--max-error", "0.005", "--weight-bits", "8", "--no-verify", "--out", inFolder("fixed.onnx")],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /int8: \d+ of 25 layers \(mse over 4 pictures, 8-bit weights\); error of the logits 0\.\d\d %/,
    );
    expect(stdout).toMatch(/layer +weights +weight error +logit error alone +kept\n/);
    expect(stdout).toMatch(/^head\.fc\/Gemm +20 x 256 +\d\.\d\d % +\d\.\d\d % +(int8|float32)$/m);
    expect(stdout).toMatch(/float32$/m);
  });

  it.each([
    [["--int8", "--calibrate", "photos", "--format", "safetensors"], /--int8, --calibrate: a safetensors file/],
    [["--int8"], /--int8 needs pictures .* --calibrate DIR/],
    [
      ["--int8", "--calibrate", "empty"],
      /--calibrate .*empty: no pictures in this folder. Expected files ending in jpg/,
    ],
    [["--int8", "--calibrate", "none"], /Expected an existing folder; there is nothing at this path/],
    [["--calibrate", "photos"], /--calibrate: of the quantisation; add --int8 --calibrate DIR, or leave it out/],
    [
      ["--calibrate-count", "4", "--calibration", "mse", "--weight-bits", "8", "--no-bias-correction"],
      /^--calibrate-count, --calibration, --weight-bits, --no-bias-correction: of the quantisation/,
    ],
    [["--max-error", "0.05", "--fp16"], /--max-error: of the quantisation/],
    [
      ["--calibrate", "photos", "--max-error", "0.1", "--format", "safetensors"],
      /--calibrate, --max-error: a safetensors file holds weights/,
    ],
    [["--int8", "--calibrate", "photos", "--calibration", "entropy"], /minmax, percentile, mse; got "entropy"/],
    [["--int8", "--calibrate", "photos", "--weight-bits", "4"], /one of 7, 8; got "4"/],
    [["--int8", "--calibrate", "photos", "--batch", "9"], /6 pictures do not fill a batch of 9/],
    [["--int8", "--calibrate", "photos", "--numerics", "exact"], /goes without --numerics exact/],
  ])("refuses %j, and writes nothing", async (options, message) => {
    const out = inFolder("refused.onnx");
    const places = options.map((each) => (["empty", "none", "photos"].includes(each) ? inFolder(each) : each));
    await expect(parsedAndRun("--model", CHECKPOINT, ...places, "--out", out)).rejects.toThrow(message);
    expect(await readdir(folder)).not.toContain("refused.onnx");
  });
});
