import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  evaluateProgram,
  f32,
  initialize,
  type Model,
  sizeOf,
  type TensorData,
  type Tensors,
  tresnet,
  tresnetConfig,
} from "asl-core";
import * as runtime from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportOnnx } from "../src/export/export.js";
import { readOnnxMetadata } from "../src/export/read-metadata.js";
import { decodeModel } from "../src/proto/decode.js";
import { type QuantizationReport, type QuantizeOptions, quantizeOnnx } from "../src/quantize/quantize.js";
import { relativeError } from "../src/quantize/sensitivity.js";
import { openOnnxModel } from "../src/runtime/open-model.js";
import { noise } from "./contract.js";

const IMAGE_SIZE = 32;
const model: Model = tresnet(tresnetConfig("tresnet_m", { classes: 6, blocks: [1, 1, 1, 1], widthFactor: 0.125 }));
const state: Tensors = Object.fromEntries(
  Object.entries(initialize(model.state, 3)).map(([name, tensor], i): [string, TensorData] => {
    const { shape } = tensor.type;
    if (shape.length !== 1) return [name, tensor];
    const isPositive = name.endsWith("running_var") || name.endsWith("weight");
    return [
      name,
      f32(
        shape,
        Float32Array.from(noise(shape, i + 1).data, (x) => (isPositive ? 1 + x / 2 : x / 4)),
      ),
    ];
  }),
);
const metadata = { labels: JSON.stringify(["a", "b"]), thresholds: "0.8" };
const float = exportOnnx({
  graph: (batchSize) => evaluateProgram({ model, batchSize, imageSize: IMAGE_SIZE }).graph,
  ...{ state, batch: "dynamic", metadata },
});

const shape = [4, 3, IMAGE_SIZE, IMAGE_SIZE];
const batches = [1, 2].map((seed) => ({ images: f32(shape, Float32Array.from(noise(shape, seed).data, Math.abs)) }));
async function* pictures() {
  yield* batches;
}

const quantized = (options: Partial<QuantizeOptions> = {}) =>
  quantizeOnnx(float, { runtime, threads: 1, pictures, ...options });

/** Every layer in int8, and with 0.7 of that error allowed. */
const whole = once(() => quantized({ maxError: Number.POSITIVE_INFINITY }));
const partial = once(async () => quantized({ maxError: 0.7 * (await whole()).report.error }));

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function logitsOf(bytes: Uint8Array): Promise<readonly ArrayLike<number>[]> {
  await using session = await openOnnxModel(bytes, { runtime, threads: 1 });
  const found: ArrayLike<number>[] = [];
  for (const feeds of batches) found.push((await session.run(feeds)).logits!.data);
  return found;
}

const count = (bytes: Uint8Array, ...opTypes: string[]) =>
  decodeModel(bytes).graph.node.filter(({ opType }) => opTypes.includes(opType)).length;

describe("a quantised TResNet", () => {
  let bytes: Uint8Array;
  let report: QuantizationReport;
  beforeAll(async () => {
    ({ bytes, report } = await whole());
  });

  it("has every layer in int8 when any error is allowed, and the error that it reports", async () => {
    expect(report.layers.every(({ kept }) => kept === "int8")).toBe(true);
    expect(report.layers).toHaveLength(count(float, "Conv") + 1);
    expect(relativeError(await logitsOf(bytes), await logitsOf(float))).toBe(report.error);
    expect(report.error).toBe(report.errorOfAll);
    expect(report.error).toBeGreaterThan(0);
  });

  it("is off by no more than its layers are alone, all errors added", () => {
    const sum = report.layers.reduce((total, { outputError }) => total + outputError!, 0);
    expect(report.error).toBeLessThan(sum);
    expect(sum).toBeLessThan(1);
  });

  it("keeps the weights of blur-pools exact", () => {
    const blurs = report.layers.filter(({ shape: [, inputs] }) => inputs === 1);
    expect(blurs.map(({ weightError }) => weightError)).toEqual([0, 0, 0]);
  });

  it("is a file of the same inputs, outputs and metadata, for any batch, that says how it was quantised", () => {
    const { metadata: found, ...rest } = readOnnxMetadata(bytes);
    const { quantization, ...kept } = found;
    expect({ ...rest, metadata: kept }).toEqual(readOnnxMetadata(float));
    expect(JSON.parse(quantization!)).toMatchObject({ method: "minmax", weightBits: 7, float32: [], pictures: 8 });
    expect(rest.inputs.images!.shape[0]).toBe("batch");
  });

  it("leaves activations to the quantisation behind them, and moves padding to uint8", () => {
    expect(count(bytes, "Relu")).toBe(count(float, "Relu") - 4); // of the blocks; those of squeeze-and-excitation stay
    expect(count(bytes, "LeakyRelu")).toBeLessThan(count(float, "LeakyRelu"));
    const { node } = decodeModel(bytes).graph;
    for (const { opType, input } of node) if (opType === "Pad") expect(input[0]).toMatch(/\/quantized$/);
  });

  it("is smaller", () => {
    const weights = (file: Uint8Array) =>
      decodeModel(file).graph.initializer.reduce((sum, x) => sum + sizeOf(x.dims), 0);
    expect(bytes.length).toBeLessThan(float.length);
    expect(weights(bytes)).toBeGreaterThan(weights(float)); // of smaller elements
  });
});

describe("quantizeOnnx", () => {
  it("puts the worst layers back into float32 until the error is allowed", async () => {
    const { bytes, report } = await partial();
    const allowed = 0.7 * report.errorOfAll;
    expect(report.maxError).toBe(allowed);
    expect(report.error).toBeLessThanOrEqual(allowed);
    expect(relativeError(await logitsOf(bytes), await logitsOf(float))).toBe(report.error);
    const errorsOf = (kind: "int8" | "float32") =>
      report.layers.filter(({ kept }) => kept === kind).map(({ outputError }) => outputError!);
    expect(errorsOf("float32").length).toBeGreaterThan(0);
    expect(Math.min(...errorsOf("float32"))).toBeGreaterThanOrEqual(Math.max(...errorsOf("int8")));
  });

  it("makes the same file without an error for each layer, where all are in int8 anyway", async () => {
    const { bytes, report } = await quantized({ maxError: Number.POSITIVE_INFINITY, layerErrors: false });
    expect(bytes).toEqual((await whole()).bytes);
    expect(report.layers.map(({ outputError }) => outputError)).toEqual(report.layers.map(() => undefined));
    expect(report.error).toBe((await whole()).report.error);
    await expect(quantized({ layerErrors: false })).rejects.toThrow(/maxError must be Infinity; got 0.05/);
  });

  it("with no error allowed gives the float model's bits", async () => {
    const { bytes, report } = await quantized({ maxError: 0 });
    expect(count(bytes, "QuantizeLinear", "DequantizeLinear")).toBe(0);
    expect(report.error).toBe(0);
    expect(await logitsOf(bytes)).toEqual(await logitsOf(float));
  });

  it("tells how far it is: pictures of every pass, then models", async () => {
    const seen: string[] = [];
    await quantized({ method: "mse", onProgress: ({ stage, done }) => seen.push(`${stage} ${done}`) });
    expect(seen.slice(0, 5)).toEqual(["calibrate 4", "calibrate 8", "calibrate 12", "calibrate 16", "measure 1"]);
  });

  it("stops when it is told to", async () => {
    await expect(quantized({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("refuses bad input", async () => {
    await expect(quantized({ pictures: async function* () {} })).rejects.toThrow(/no batch of calibration pictures/);
    await expect(quantized({ method: "entropy" as "mse" })).rejects.toThrow(/minmax, percentile, mse; got entropy/);
    await expect(quantized({ weightBits: 4 as 7 })).rejects.toThrow(/weightBits must be 7 or 8; got 4/);
    await expect(quantized({ maxError: -1 })).rejects.toThrow(/maxError must be a number from 0 on; got -1/);
    await expect(quantizeOnnx(new Uint8Array(3), { runtime, pictures })).rejects.toThrow(/not an ONNX model/);
  });
});

const python = "/usr/bin/python3";
const hasChecker = (() => {
  try {
    execFileSync(python, ["-c", "import onnx"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasChecker)("onnx.checker with full_check (needs Debian's python3-onnx)", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "asl-onnx-int8-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ["every layer in int8", whole],
    ["some layers in float32", partial],
  ])("accepts a file with %s", async (_, make) => {
    const file = path.join(folder, "model.onnx");
    writeFileSync(file, (await make()).bytes);
    const script = "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True); print('ok')";
    expect(execFileSync(python, ["-c", script, file], { encoding: "utf8" }).trim()).toBe("ok");
  });
});
