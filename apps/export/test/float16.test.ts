import { execFileSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { halfToFloat } from "asl-checkpoint";
import { openModel, UsageError } from "asl-cli";
import { f32 } from "asl-core";
import { decodeModel, encodeModel, readOnnxMetadata, toFloat16 } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import { beforeAll, describe, expect, it } from "vitest";
import { samePictures } from "../src/agreement.js";
import { buildOnnx } from "../src/build-onnx.js";
import { checkCombination } from "../src/combinations.js";
import { exportCommand } from "../src/command.js";
import { verifyWithSession } from "../src/verify.js";
import { CHECKPOINT, PYTHON, pythonHas, run, temporaryFolder } from "./support.js";

let single: string;
let half: string;
let printed: { readonly maxError: number; readonly bound: number; readonly precision: string };
beforeAll(async () => {
  const folder = await temporaryFolder();
  [single, half] = [path.join(folder, "single.onnx"), path.join(folder, "half.onnx")];
  const options = ["--model", CHECKPOINT, "--image-size", "64", "--json"];
  expect((await run(...options, "--no-verify", "--out", single)).code).toBe(0);
  const { code, stdout } = await run(...options, "--fp16", "--out", half);
  expect(code).toBe(0);
  printed = JSON.parse(stdout) as typeof printed;
}, 120_000);

describe("a file in float16", () => {
  it("is half as large, with inputs and outputs in float32", async () => {
    const metadata = readOnnxMetadata(await readFile(half));
    expect(metadata.inputs.images!.dtype).toBe("f32");
    expect(metadata.outputs.logits!.dtype).toBe("f32");
    expect((await stat(half)).size).toBeLessThan(0.6 * (await stat(single)).size);
  });

  it("differs from the session by no more than half precision allows, and by more than float32", () => {
    expect(printed.precision).toBe("f16");
    expect(printed.maxError).toBeLessThanOrEqual(printed.bound);
    expect(printed.maxError).toBeGreaterThan(2 ** -24);
  });

  it("has each weight rounded to the nearest float16", async () => {
    const [before, after] = [decodeModel(await readFile(single)), decodeModel(await readFile(half))];
    const halves = new Map(after.graph.initializer.map((each) => [each.name, each]));
    for (const { name, dataType, rawData } of before.graph.initializer) {
      const found = halves.get(name)!;
      if (dataType !== 1) expect(found.dataType).toBe(dataType);
      if (dataType !== 1) continue;
      expect(found.dataType).toBe(10);
      const values = new Float32Array(new Uint8Array(rawData).buffer);
      const bits = new Uint16Array(new Uint8Array(found.rawData).buffer);
      expect(bits.length).toBe(values.length);
      bits.forEach((each, i) => {
        const distance = (neighbour: number) => Math.abs(halfToFloat(neighbour) - values[i]!);
        expect(distance(each)).toBeLessThanOrEqual(distance(each + 1));
        if ((each & 0x7fff) > 0) expect(distance(each)).toBeLessThanOrEqual(distance(each - 1));
      });
    }
  });

  it("keeps sums over planes in float32", async () => {
    const { graph } = decodeModel(await readFile(half));
    const pools = graph.node.filter(({ opType }) => opType === "GlobalAveragePool");
    expect(pools.length).toBeGreaterThan(1);
    for (const { input, output } of pools) {
      const before = graph.node.find((node) => node.output[0] === input[0])!;
      const after = graph.node.find((node) => node.input[0] === output[0])!;
      expect([before, after].map(({ opType, attribute }) => [opType, attribute[0]!.i])).toEqual([
        ["Cast", 1],
        ["Cast", 10],
      ]);
    }
  });

  it("refuses weights beyond float16, naming them", async () => {
    const model = decodeModel(await readFile(single));
    const [first] = model.graph.initializer.filter(({ dataType }) => dataType === 1);
    const rawData = new Uint8Array(first!.rawData);
    new Float32Array(rawData.buffer)[1] = 7e4;
    const initializer = model.graph.initializer.map((each) => (each === first ? { ...each, rawData } : each));
    expect(() => toFloat16({ ...model, graph: { ...model.graph, initializer } })).toThrow(
      `float16: element 1 of "${first!.name}" is 70000; float16 holds at most 65504`,
    );
  });

  it("goes with preprocessing in the graph, which stays in float32", async () => {
    const folder = path.dirname(half);
    const out = path.join(folder, "tagger.onnx");
    const options = ["--model", CHECKPOINT, "--image-size", "64", "--json", "--fp16", "--with-preprocess"];
    const { code, stdout, stderr } = await run(...options, "--out", out);
    expect(code, stderr).toBe(0);
    const { precision, compared, maxError, bound } = JSON.parse(stdout);
    expect({ precision, compared }).toEqual({ precision: "f16", compared: "file" });
    expect(maxError).toBeLessThanOrEqual(bound);
    await using tagger = await openOnnxModelNode(await readFile(out));
    expect(tagger.inputs.images).toEqual({ dtype: "u8", shape: ["batch", "height", "width", 3] });
    const { scores, labels } = await tagger.run({ images: samePictures(2, 64).pictures });
    labels!.data.forEach((label, index) => {
      expect(label).toBe(scores!.data[index]! > 0.8 ? 1 : 0);
    });
    const { graph } = decodeModel(await readFile(out));
    const types = new Map(graph.initializer.map(({ name, dataType }) => [name, dataType]));
    expect(types.get("postprocess/thresholds")).toBe(1);
  });

  it("is refused where half precision will not do, with the reason", async () => {
    const model = await openModel(CHECKPOINT, { imageSize: 64 });
    const weights = decodeModel(buildOnnx(model, "dynamic", { float16: true }));
    // 1 of 16 bits of each weight: as coarse as numbers can be
    const initializer = weights.graph.initializer.map((each) => {
      const bits = new Uint16Array(new Uint8Array(each.rawData).buffer);
      if (each.dataType !== 10) return each;
      return { ...each, rawData: new Uint8Array(bits.map((half) => half & 0xfc00).buffer) };
    });
    const coarse = encodeModel({ ...weights, graph: { ...weights.graph, initializer } });
    const verification = { model, batch: 1, out: "model.onnx", signal: new AbortController().signal } as const;
    await expect(verifyWithSession(coarse, "f16", verification)).rejects.toThrow(
      /^model.onnx: not written.*half precision is too coarse for these weights: leave --fp16 out/,
    );
  });

  it("runs", async () => {
    await using file = await openOnnxModelNode(encodeModel(decodeModel(await readFile(half))));
    const { logits } = await file.run({ images: f32([2, 3, 64, 64], new Float32Array(2 * 3 * 64 * 64).fill(0.5)) });
    expect(logits!.type.shape).toEqual([2, 20]);
  });

  it.skipIf(!pythonHas("onnx"))("passes onnx.checker with full_check (skipped without Debian's python3-onnx)", () => {
    const script = "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True); print('ok')";
    expect(execFileSync(PYTHON, ["-c", script, half], { encoding: "utf8" })).toBe("ok\n");
  });
});

it.each([
  [["--fp16", "--int8"], /--fp16, --int8: a network is in one of the two/],
  [["--fp16", "--numerics", "exact"], /--fp16 goes without --numerics exact/],
  [["--fp16", "--format", "safetensors"], /--fp16: a safetensors file holds weights, not a graph/],
])("wrong arguments: %j", (options, message) => {
  const command = exportCommand();
  command.parse(["--model", CHECKPOINT, "--out", "model", ...options], { from: "user" });
  expect(() => checkCombination(command.opts())).toThrow(message);
  expect(() => checkCombination(command.opts())).toThrow(UsageError);
});
