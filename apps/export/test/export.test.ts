import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, writeSafetensors } from "asl-checkpoint";
import { openModel } from "asl-cli";
import { f32 } from "asl-core";
import { readOnnxMetadata } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { agreementBound, convolutionDepth } from "../src/agreement.js";
import { buildOnnx } from "../src/build-onnx.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FIXTURES = path.join(ROOT, "fixtures", "models");
const CHECKPOINT = path.join(FIXTURES, "tresnet_tiny", "checkpoint.pth");

let parent: string;
let folder: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), "asl-export-"));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(parent, "each-"));
});
afterAll(() => rm(parent, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = path.join(ROOT, "apps", "export", "dist", "main.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

const exportTo = (out: string, ...options: string[]) =>
  run("--model", CHECKPOINT, "--image-size", "64", "--out", out, ...options);

describe("an exported file", () => {
  it.each(["tresnet_tiny", "tresnet_tiny_bottleneck_head"])("gives the official logits: %s", async (name) => {
    const opened = await openModel(path.join(FIXTURES, name, "checkpoint.pth"), { imageSize: 64 });
    const { tensors } = await readSafetensors(path.join(FIXTURES, name, "activations.safetensors"));
    const input = tensors.input!;
    const size = input.type.shape[2]!;
    const bytes = buildOnnx({ ...opened, imageSize: size }, "dynamic");
    await using file = await openOnnxModelNode(bytes);
    const { logits } = await file.run({ images: input });
    const exact = tensors.logits_f64!.data;
    const largest = Math.max(...Array.from(exact, Math.abs));
    const bound = agreementBound(convolutionDepth(opened.architecture), largest);
    exact.forEach((value, index) => {
      expect(Math.abs(logits!.data[index]! - value)).toBeLessThanOrEqual(bound);
    });
  });

  it("takes any number of pictures with --batch dynamic, and just N with --batch N", async () => {
    const opened = await openModel(CHECKPOINT, { imageSize: 64 });
    const pictures = (batch: number) => ({ images: f32([batch, 3, 64, 64], new Float32Array(batch * 3 * 64 * 64)) });
    await using dynamic = await openOnnxModelNode(buildOnnx(opened, "dynamic"));
    for (const batch of [1, 2, 7]) {
      expect((await dynamic.run(pictures(batch))).logits!.type.shape).toEqual([batch, 20]);
    }
    await using fixed = await openOnnxModelNode(buildOnnx(opened, 3));
    expect((await fixed.run(pictures(3))).logits!.type.shape).toEqual([3, 20]);
    await expect(fixed.run(pictures(2))).rejects.toThrow(/\[3,3,64,64\]; got f32\[2,3,64,64\]/);
  });

  it("says all that is needed to use it", async () => {
    const opened = await openModel(CHECKPOINT, { imageSize: 64 });
    const { metadata, inputs, outputs } = readOnnxMetadata(buildOnnx(opened, "dynamic"));
    expect(JSON.parse(metadata.labels!)).toEqual(opened.classNames);
    expect(JSON.parse(metadata.thresholds!)).toEqual(opened.thresholds);
    expect(metadata).toMatchObject({ image_size: "64", resize_filter: "bicubic", model_variant: "custom" });
    expect(JSON.parse(metadata.model_architecture!)).toMatchObject({ blocks: [2, 2, 2, 1], planes: 8 });
    expect(JSON.parse(metadata.training_recipe!)).toEqual({});
    expect(inputs.images!.shape.slice(1)).toEqual([3, 64, 64]);
    expect(outputs.logits!.shape[1]).toBe(20);
  });
});

describe("export", () => {
  it("compares at batch 1, 2 and 7 and prints the max error and the bound", async () => {
    const { code, stdout } = await exportTo(inFolder("model.onnx"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/max error \d\.\d\de-\d/);
    expect(stdout).toMatch(/batch +max error +bound +error \/ bound\n +1 .*\n +2 .*\n +7 /);
    expect(await readdir(folder)).toEqual(["model.onnx"]);
  });

  it("prints the same as one JSON object", async () => {
    const { stdout } = await exportTo(inFolder("model.onnx"), "--batch", "3", "--json");
    const result = JSON.parse(stdout) as { maxError: number; bound: number; checks: { batch: number }[] };
    expect(result.checks.map(({ batch }) => batch)).toEqual([3]);
    expect(result.maxError).toBeLessThanOrEqual(result.bound);
  });

  it("skips the comparison with --no-verify", async () => {
    const { stdout } = await exportTo(inFolder("model.onnx"), "--no-verify");
    expect(stdout).toMatch(/not compared with the session/);
  });

  it("replaces an older file by name in one step", async () => {
    await writeFile(inFolder("model.onnx"), "old");
    expect((await exportTo(inFolder("model.onnx"))).code).toBe(0);
    expect((await readFile(inFolder("model.onnx"))).length).toBeGreaterThan(100_000);
  });
});

describe("export that fails leaves no file and keeps an older one", () => {
  it("where the folder is missing", async () => {
    const { code, stderr } = await exportTo(inFolder("none/model.onnx"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/none.model\.onnx: .*folder does not exist/);
    expect(await readdir(folder)).toEqual([]);
  });

  it("where the folder is a file, or the file is a folder", async () => {
    await writeFile(inFolder("file"), "kept");
    await mkdir(inFolder("folder.onnx"));
    for (const out of [inFolder("file/model.onnx"), inFolder("folder.onnx")]) {
      const { code, stderr } = await exportTo(out);
      expect(code).toBe(1);
      expect(stderr).toContain(`error: ${out}: cannot be written`);
    }
    expect((await readdir(folder)).sort()).toEqual(["file", "folder.onnx"]);
    expect(await readFile(inFolder("file"), "utf8")).toBe("kept");
  });

  it.skipIf(process.getuid?.() === 0)(
    "where writing is not allowed (skipped for root, whom nothing stops)",
    async () => {
      await chmod(folder, 0o555);
      const { code, stderr } = await exportTo(inFolder("model.onnx"));
      await chmod(folder, 0o755);
      expect(code).toBe(1);
      expect(stderr).toMatch(/model\.onnx: cannot be written: no permission/);
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it("where the weights are damaged", async () => {
    const { tensors } = await readSafetensors(path.join(FIXTURES, "tresnet_tiny", "train_final.safetensors"));
    const { type, data } = tensors["head.fc.weight"]!;
    const damaged = Float32Array.from(data);
    damaged[5] = Number.NaN;
    const checkpoint = inFolder("damaged.safetensors");
    await writeSafetensors(checkpoint, { tensors: { ...tensors, "head.fc.weight": { type, data: damaged } } });
    await writeFile(inFolder("model.onnx"), "old");
    const { code, stderr } = await run("--model", checkpoint, "--image-size", "64", "--out", inFolder("model.onnx"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/logits is NaN/);
    expect(await readFile(inFolder("model.onnx"), "utf8")).toBe("old");
  });
});

describe("wrong arguments", () => {
  it.each([
    [["--batch", "some"], /Expected "dynamic" or a whole number from 1 on; got "some"/],
    [["--image-size", "30"], /multiple of 4/],
    [["--weights", "best"], /regular, ema; got "best"/],
  ])("%j", async (options, message) => {
    const { code, stderr } = await exportTo(inFolder("model.onnx"), ...options);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(await readdir(folder)).toEqual([]);
  });
});
