import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createReporter, openModel } from "asl-cli";
import { type QuantizationReport, readOnnxMetadata } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { buildOnnx } from "../src/build-onnx.js";
import { exportCommand, exportModel } from "../src/command.js";
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
    for (const value of [mAP.float32, mAP.int8]) expect(value).toBeGreaterThan(0);

    const { quantization, ...metadata } = readOnnxMetadata(file).metadata;
    expect(metadata).toEqual(readOnnxMetadata(float).metadata);
    expect(JSON.parse(quantization!)).toMatchObject({ error: int8.error });
    await using session = await openOnnxModelNode(file);
    expect(session.inputs.images!.shape).toEqual(["batch", 3, 64, 64]);
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
    [["--int8", "--calibrate", "photos", "--format", "safetensors"], /--int8: a safetensors file holds weights/],
    [["--int8"], /--int8 needs pictures .* --calibrate DIR/],
    [
      ["--int8", "--calibrate", "empty"],
      /--calibrate .*empty: no pictures in this folder. Expected files ending in jpg/,
    ],
    [["--int8", "--calibrate", "none"], /Expected an existing folder; there is nothing at this path/],
    [["--calibrate", "photos"], /--calibrate and --annotations go with --int8/],
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
