import { add, Builder, conv2d, f32, linear, reshape, type TensorData, type Value } from "asl-core";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { exportOnnx } from "../src/export/export.js";
import { decodeModel } from "../src/proto/decode.js";
import { floatsOf } from "../src/proto/tensors.js";
import { type QuantizeOptions, quantizeOnnx } from "../src/quantize/quantize.js";
import { openOnnxModel } from "../src/runtime/open-model.js";
import { noise } from "./contract.js";

const CHANNELS = 8;
const SIZE = 32;

/** From 0 to 1, and one of 50. */
const pictures = [1, 2, 3].map((seed) => {
  const shape = [4, CHANNELS, SIZE, SIZE];
  const data = Float32Array.from(noise(shape, seed).data, Math.abs);
  if (seed === 1) data[0] = 50;
  return f32(shape, data);
});

/** One layer, "layer", over x f32[batch, 8, 32, 32]. */
const layerOf = (weight: TensorData, bias: TensorData, body: (x: Value, weight: Value, bias: Value) => Value) =>
  exportOnnx({
    graph: (batch) => {
      const builder = new Builder();
      const x = builder.input("x", { dtype: "f32", shape: [batch, CHANNELS, SIZE, SIZE] });
      const y = body(x, builder.input("weight", weight.type), builder.input("bias", bias.type));
      return builder.finish({ y });
    },
    state: { weight, bias },
    batch: "dynamic",
  });

const convolution = (weights: readonly number[], bias: readonly number[]) =>
  layerOf(f32([bias.length, CHANNELS, 1, 1], weights), f32([1, bias.length, 1, 1], bias), (x, weight, offset) =>
    add(conv2d(x, weight), offset),
  );

async function quantized(float: Uint8Array, options: Partial<QuantizeOptions> = {}) {
  const feeds = async function* () {
    for (const x of pictures) yield { x };
  };
  const all = { runtime, threads: 1, pictures: feeds, maxError: Number.POSITIVE_INFINITY, ...options };
  const { bytes, report } = await quantizeOnnx(float, all);
  const { initializer } = decodeModel(bytes).graph;
  const found = (name: string) => initializer.find((tensor) => tensor.name.endsWith(name))!;
  const [layer] = report.layers;
  return {
    bytes,
    report,
    weightError: layer!.weightError,
    weights: new Int8Array(Uint8Array.from(found("weight/quantized").rawData).buffer),
    weightScales: floatsOf(found("weight/scale")),
    bias: new Int32Array(Uint8Array.from(found("bias/quantized").rawData).buffer),
    biasScales: floatsOf(found("bias/scale")),
    inputScale: floatsOf(found("x/scale"))[0]!,
  };
}

/** Mean of the output over all pictures. */
async function meanOf(bytes: Uint8Array): Promise<number> {
  await using session = await openOnnxModel(bytes, { runtime, threads: 1 });
  let [sum, count] = [0, 0];
  for (const x of pictures) {
    const { data } = (await session.run({ x })).y!;
    for (let i = 0; i < data.length; i++) sum += data[i]!;
    count += data.length;
  }
  return sum / count;
}

/** With 63 levels all but the largest are rounded up, by 0.4 of a step. */
const LARGEST = 0.9;
const ROUNDED_UP = (31.6 / 63) * LARGEST;
const UPWARDS = [LARGEST, ...Array.from({ length: CHANNELS - 1 }, () => ROUNDED_UP)];

describe("biasCorrection", () => {
  const float = convolution(UPWARDS, [0.25]);

  it("brings back the mean that rounded weights have moved", async () => {
    const mean = await meanOf(float);
    const moved = (await meanOf((await quantized(float, { biasCorrection: false })).bytes)) - mean;
    const left = (await meanOf((await quantized(float)).bytes)) - mean;
    expect(moved).toBeGreaterThan(0);
    expect(Math.abs(left)).toBeLessThan(moved / 4);
  });

  it("false leaves the bias as it is, to the nearest step", async () => {
    const { bias, biasScales, report } = await quantized(float, { biasCorrection: false });
    expect(report.biasCorrection).toBe(false);
    expect(bias[0]).toBe(Math.round(0.25 / biasScales[0]!));
    expect((await quantized(float)).bias[0]).toBeLessThan(bias[0]!);
  });

  it("gives each place of a channel that is laid out flat the mean of the channel", async () => {
    const inputs = CHANNELS * SIZE * SIZE;
    const weights = new Float32Array(2 * inputs).fill(ROUNDED_UP);
    // a largest weight in each row; the second row reads the first half of the channels only
    weights[0] = weights[inputs] = LARGEST;
    weights.fill(0, 1.5 * inputs);
    const flat = layerOf(f32([2, inputs], weights), f32([2], [0, 0]), (x, weight, offset) =>
      linear(reshape(x, [x.shape[0]!, inputs]), weight, offset),
    );
    const mean = await meanOf(flat);
    const moved = (await meanOf((await quantized(flat, { biasCorrection: false })).bytes)) - mean;
    const left = (await meanOf((await quantized(flat)).bytes)) - mean;
    expect(moved).toBeGreaterThan(0);
    expect(Math.abs(left)).toBeLessThan(moved / 4);
  });
});

describe("weightBits", () => {
  it.each([
    [7, 63],
    [8, 127],
  ] as const)("%i: steps up to %i", async (weightBits, levels) => {
    const { weights, report } = await quantized(convolution(UPWARDS, [0]), { weightBits });
    expect(Math.max(...weights)).toBe(levels);
    expect(report.weightBits).toBe(weightBits);
  });

  it("8 bits are nearer to random weights than 7", async () => {
    const float = convolution([...noise([2 * CHANNELS], 9).data], [0.5, -0.5]);
    const [seven, eight] = [await quantized(float), await quantized(float, { weightBits: 8 })];
    expect(eight.weightError).toBeLessThan(seven.weightError);
  });
});

describe("method", () => {
  it("percentile leaves a lone outlier out of the input's range", async () => {
    const float = convolution(UPWARDS, [0]);
    expect((await quantized(float)).inputScale).toBeCloseTo(50 / 255, 6);
    const { inputScale, report } = await quantized(float, { method: "percentile" });
    // to the width of a bin of 2048
    expect(inputScale).toBeGreaterThanOrEqual(1 / 256);
    expect(inputScale).toBeLessThanOrEqual((1 + (2 * 50) / 2048) / 255);
    expect(report).toMatchObject({ method: "percentile", pictures: 12 });
  });
});

describe("the report", () => {
  it.each([
    ["of a usual bias", 0.5],
    ["of a bias that needs larger steps than the weights", 1e6],
  ])("has the error of the weights in the file, %s", async (_, bias) => {
    const float = Float32Array.from(noise([CHANNELS], 5).data, (x) => x / 1000);
    const { weights, weightScales, weightError } = await quantized(convolution([...float], [bias]));
    const squares = (values: Float64Array) => values.reduce((sum, x) => sum + x * x, 0);
    const difference = Float64Array.from(weights, (step, i) => step * weightScales[0]! - float[i]!);
    expect(weightError).toBe(Math.sqrt(squares(difference) / squares(Float64Array.from(float))));
    // larger steps than all of the weights leave nothing of them
    expect(weightError > 0.9).toBe(bias === 1e6);
  });

  it("in the file says null where any error is allowed, as JSON has no infinity", async () => {
    const { bytes } = await quantized(convolution(UPWARDS, [0]));
    const { value } = decodeModel(bytes).metadataProps!.find(({ key }) => key === "quantization")!;
    expect(JSON.parse(value!)).toMatchObject({ maxError: null, layers: 1, float32: [] });
  });
});
