import { execFileSync } from "node:child_process";
import path from "node:path";
import { openModel } from "asl-cli";
import { Builder, f32, reshape } from "asl-core";
import { resize, toTensor } from "asl-data";
import { type ByteTensor, encodeModel, readOnnxMetadata, toOnnxModel, withPreprocess } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import { beforeAll, describe, expect, it } from "vitest";
import { agreementBound, convolutionDepth, scoreBound } from "../src/agreement.js";
import { buildOnnx } from "../src/build-onnx.js";
import { CHECKPOINT, PYTHON, pythonHas, run, temporaryFolder } from "./support.js";

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Pictures of both kinds of content: smooth, with noise in every other one. */
function drawn(batch: number, height: number, width: number): ByteTensor {
  const data = Uint8Array.from({ length: batch * height * width * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const noise = Math.floor(y / height) % 2 === 0 ? 0 : (((i * 7919) % 1013) / 1013) * 100;
    return 70 + 60 * Math.sin(x / 9 + (i % 3)) * Math.cos(y / 13) + noise;
  });
  return { type: { dtype: "u8", shape: [batch, height, width, 3] }, data };
}

const rowsOf = ({ type: { shape }, data }: ByteTensor): { width: number; height: number; data: Uint8Array }[] => {
  const [batch = 0, height = 0, width = 0] = shape;
  const size = height * width * 3;
  return Array.from({ length: batch }, (_, i) => ({ width, height, data: data.subarray(i * size, (i + 1) * size) }));
};

describe("resize in the graph", () => {
  /** logits are the network's input, so that scores say what came out of the resize. */
  const S = 48;
  const model = (resizeFilter: "bicubic" | "bilinear") => {
    const builder = new Builder();
    const images = builder.input("images", { dtype: "f32", shape: [2, 3, S, S] });
    const graph = builder.finish({ logits: reshape(images, [2, 3 * S * S]) });
    return encodeModel(withPreprocess(toOnnxModel(graph).model, { imageSize: S, resizeFilter, thresholds: 0.5 }));
  };

  const largestDifference = async (filter: "bicubic" | "bilinear", height: number, width: number): Promise<number> => {
    await using file = await openOnnxModelNode(model(filter));
    const images = drawn(2, height, width);
    const { scores } = await file.run({ images });
    const differences = rowsOf(images).flatMap((picture, row) => {
      const pixels = new Float32Array(3 * S * S);
      toTensor(resize(picture, S, S, filter), pixels);
      return Array.from(pixels, (value, i) => {
        const p = scores!.data[row * 3 * S * S + i]!;
        return Math.abs(Math.round(Math.log(p / (1 - p)) * 255) - Math.round(value * 255));
      });
    });
    return Math.max(...differences);
  };

  it.each([
    ["bicubic", S, S],
    ["bicubic", 24, 96],
    ["bilinear", 12, 192],
    ["bilinear", S, 24],
  ] as const)("%s of %i x %i, in ratios of powers of two: Pillow's bytes", async (filter, height, width) => {
    expect(await largestDifference(filter, height, width)).toBe(0);
  });

  it.each([
    ["bicubic", 97, 130],
    ["bicubic", 20, 33],
    ["bilinear", 300, 200],
    ["bilinear", 20, 33],
  ] as const)("%s of %i x %i: at most 1 of 255 from Pillow's bytes", async (filter, height, width) => {
    expect(await largestDifference(filter, height, width)).toBeLessThanOrEqual(1);
  });
});

describe("a file with preprocessing", () => {
  const thresholds = Array.from({ length: 20 }, (_, index) => index / 20);
  const opened = async () => ({ ...(await openModel(CHECKPOINT, { imageSize: 64 })), thresholds });

  it("takes pictures of any size and gives scores and labels", async () => {
    const model = await opened();
    const bytes = buildOnnx(model, "dynamic", { preprocess: true });
    const { inputs, outputs, metadata } = readOnnxMetadata(bytes);
    expect(inputs).toEqual({ images: { dtype: "u8", shape: ["batch", "height", "width", 3] } });
    expect(outputs).toEqual({
      scores: { dtype: "f32", shape: ["batch", 20] },
      labels: { dtype: "bool", shape: ["batch", 20] },
    });
    expect(JSON.parse(metadata.labels!)).toEqual(model.classNames);
    expect(metadata.preprocessing).toMatch(/^in the graph/);

    await using file = await openOnnxModelNode(bytes);
    await using plain = await openOnnxModelNode(buildOnnx(model, "dynamic"));
    const images = drawn(3, 64, 64);
    const pixels = new Float32Array(3 * 3 * 64 * 64);
    for (const [row, picture] of rowsOf(images).entries()) toTensor(picture, pixels.subarray(row * 3 * 64 * 64));
    const { logits } = await plain.run({ images: f32([3, 3, 64, 64], pixels) });
    const { scores, labels } = await file.run({ images });
    const largest = Math.max(...Array.from(logits!.data, Math.abs));
    const bound = scoreBound(agreementBound(convolutionDepth(model.architecture), largest));
    logits!.data.forEach((logit, i) => {
      expect(Math.abs(scores!.data[i]! - sigmoid(logit))).toBeLessThanOrEqual(bound);
      expect(labels!.data[i]).toBe(scores!.data[i]! > thresholds[i % 20]! ? 1 : 0);
    });
    expect((await file.run({ images: drawn(1, 97, 130) })).scores!.type.shape).toEqual([1, 20]);
  });

  it("refuses thresholds that are not one for each class", async () => {
    const model = { ...(await opened()), thresholds: [0.5, 0.5] };
    expect(() => buildOnnx(model, "dynamic", { preprocess: true })).toThrow(/2 thresholds for 20 classes/);
  });

  it("is compared with the session's scores before it is written, and keeps a fixed batch", async () => {
    const out = path.join(folder, "tagger.onnx");
    const options = ["--model", CHECKPOINT, "--image-size", "64", "--batch", "2", "--with-preprocess", "--json"];
    const { code, stdout } = await run(...options, "--out", out);
    expect(code).toBe(0);
    const { maxError, bound } = JSON.parse(stdout) as { maxError: number; bound: number };
    expect(maxError).toBeLessThanOrEqual(bound);
    expect(bound).toBeLessThan(1e-4);
  });

  it.skipIf(!pythonHas("onnx"))(
    "is made of nodes that ONNX knows (skipped without Debian's python3-onnx)",
    async () => {
      const script = [
        "import onnx, sys",
        "m = onnx.load(sys.argv[1])",
        // Debian 12's onnx knows operator sets up to 17: of 18, Resize is new to it, and all else is as in 17
        "newest = onnx.defs.onnx_opset_version()",
        "resize = [n for n in m.graph.node if n.op_type == 'Resize']",
        "print(len(resize), newest)",
        "if newest < 18:",
        "  for n in resize: n.op_type = 'Identity'; del n.input[1:], n.attribute[:]",
        "  m.opset_import[0].version = 17",
        "onnx.checker.check_model(m, full_check=newest >= 18)",
      ].join("\n");
      const printed = execFileSync(PYTHON, ["-c", script, path.join(folder, "tagger.onnx")], { encoding: "utf8" });
      expect(printed).toMatch(/^1 \d+\n$/);
    },
  );
});
