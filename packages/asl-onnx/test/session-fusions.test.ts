import {
  add,
  averagePool2x2,
  Builder,
  batchNormTrain,
  blurPool,
  conv2d,
  f32,
  type Graph,
  grad,
  leakyRelu,
  less,
  mul,
  pad,
  reduceSum,
  repeatElementwise,
  type Shape,
  select,
  slice,
  type TensorData,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { sessionFusions } from "../src/fusions/session.js";
import { toOnnxModel } from "../src/model.js";
import { blockSizeOf } from "../src/runtime/block-size.js";
import { dyadic, expectSameBits, noise, runOnnx } from "./contract.js";

const blockSize = await blockSizeOf(runtime);

function graphOf(shapes: readonly Shape[], build: (...inputs: Value[]) => Readonly<Record<string, Value>>): Graph {
  const builder = new Builder();
  return builder.finish(build(...shapes.map((shape, i) => builder.input(`in${i}`, { dtype: "f32", shape }))));
}

const feedsOf = (shapes: readonly Shape[], make: (shape: Shape, seed: number) => TensorData): Tensors =>
  Object.fromEntries(shapes.map((shape, i) => [`in${i}`, make(shape, i + 1)]));

const operatorsOf = (graph: Graph): string[] =>
  toOnnxModel(graph, { fusions: sessionFusions({ blockSize: undefined }) }).model.graph.node.map(
    ({ opType }) => opType,
  );

/** The operators of a graph whose results, on dyadic inputs, must have the reference's bits. */
async function exact(
  shapes: readonly Shape[],
  build: (...inputs: Value[]) => Readonly<Record<string, Value>>,
): Promise<string[]> {
  const graph = graphOf(shapes, build);
  const feeds = feedsOf(shapes, dyadic);
  const actual = await runOnnx(graph, feeds);
  for (const [name, expected] of Object.entries(evaluate(graph, feeds, { precision: "f32" }))) {
    expect(actual[name]!.type).toEqual(expected.type);
    // A zero's sign depends on the order of a sum; adding 0 settles it.
    expectSameBits(
      actual[name]!.data.map((x) => x + 0),
      expected.data.map((x) => x + 0),
    );
  }
  return operatorsOf(graph);
}

/** y, and its gradient with respect to the first input against the second. */
const withGradient = (y: Value, x: Value, g: Value) => ({ y, dx: grad(reduceSum(mul(y, g)), [x])[0]! });

describe("chains of padding and depthwise convolution become matrix products", () => {
  const sizes: Record<string, [number, number]> = { small: [8, 8], odd: [7, 5], large: [48, 40] };
  for (const [name, [height, width]] of Object.entries(sizes)) {
    it(`blur-pool and its gradient, ${name} images`, async () => {
      const shapes: Shape[] = [
        [2, 3, height, width],
        [2, 3, Math.ceil(height / 2), Math.ceil(width / 2)],
      ];
      const operators = await exact(shapes, (x, g) => withGradient(blurPool(x!), x!, g!));
      expect(new Set(operators)).toEqual(new Set(["MatMul", "Reshape"]));
    });
  }

  it("the gradient of the 2x2 average pool", async () => {
    const shapes: Shape[] = [
      [2, 3, 8, 6],
      [2, 3, 4, 3],
    ];
    const operators = await exact(shapes, (x, g) => withGradient(averagePool2x2(x!), x!, g!));
    expect(operators).not.toContain("Expand");
  });

  it("not when a value between is read by others", async () => {
    const operators = await exact([[1, 2, 6, 6]], (x) => {
      const padded = pad(x!, [0, 0, 1, 1], [0, 0, 1, 1], "reflect");
      const kernel = x!.builder.constant(f32([2, 1, 3, 3], new Array(18).fill(0.25)));
      return { y: conv2d(padded, kernel, { groups: 2 }), padded };
    });
    expect(operators).toContain("Pad");
  });

  it("not for kernels that differ between channels, or are no outer product", async () => {
    for (const taps of [
      [1, 2, 3, 4],
      [1, 1, 1, 2, 1, 1, 1, 1],
    ]) {
      const data = taps.length === 4 ? [...taps, 2, 2, 2, 2] : taps;
      const operators = await exact([[1, 2, 4, 4]], (x) => ({
        y: conv2d(x!, x!.builder.constant(f32([2, 1, 2, 2], data)), { groups: 2 }),
      }));
      expect(operators).toEqual(["Conv"]);
    }
  });

  it("movement alone stays movement", async () => {
    const operators = await exact([[1, 2, 4, 4]], (x) => ({
      y: slice(pad(x!, [0, 0, 1, 1], [0, 0, 1, 1], "edge"), [0, 0, 0, 0], [1, 2, 5, 3]),
    }));
    expect(operators).toEqual(["Pad", "Slice"]);
  });
});

describe("activations", () => {
  it("the gradient of leaky ReLU needs no Where", async () => {
    const shape: Shape = [2, 3, 4, 4];
    const operators = await exact([shape, shape], (x, g) => withGradient(leakyRelu(x!, 0.25), x!, g!));
    expect(operators).not.toContain("Where");
    expect(operators).toContain("Clip");
  });
  it("condition ? 1 : 0 is a cast", async () => {
    expect(await exact([[4, 4]], (x) => ({ y: select(less(x!, 0.5), 1, 0) }))).toEqual(["Less", "Cast"]);
  });
});

describe("channels", () => {
  const along = (vector: Value, like: Value) =>
    like.builder.apply("broadcast", [vector], { shape: like.shape, axes: [1] });
  it("x * gain + offset is one BatchNormalization, on large and on tiny images", async () => {
    for (const shape of [
      [2, 4, 8, 8],
      [3, 4, 2, 2],
      [1, 4, 1, 1],
    ] as Shape[]) {
      const shapes: Shape[] = [shape, [4], [4]];
      const operators = await exact(shapes, (x, gain, offset) => ({
        y: add(mul(x!, along(gain!, x!)), along(offset!, x!)),
      }));
      expect(operators).toEqual(["BatchNormalization"]);
    }
  });
  it("rest + x * gain + offset", async () => {
    const shape: Shape = [2, 4, 8, 8];
    const operators = await exact([shape, shape, [4], [4]], (rest, x, gain, offset) => ({
      y: add(add(rest!, mul(x!, along(gain!, x!))), along(offset!, x!)),
    }));
    expect(operators).toEqual(["BatchNormalization", "Add"]);
  });
});

describe("batch norm in training", () => {
  const shapes: Shape[] = [[4, 3, 6, 5], [3], [3], [4, 3, 6, 5]];
  const build = (x: Value, scale: Value, bias: Value, g: Value) => {
    const first = batchNormTrain(x, scale, bias, 1e-5);
    // A second layer with the same scale: the statistics of both must stay apart.
    const second = batchNormTrain(mul(first.y, first.y), scale, bias, 1e-5);
    const [dx, dscale, dbias] = grad(reduceSum(mul(second.y, g)), [x, scale, bias]) as [Value, Value, Value];
    return {
      y: second.y,
      mean1: first.statistics.mean,
      variance1: first.statistics.unbiasedVariance,
      mean2: second.statistics.mean,
      variance2: second.statistics.unbiasedVariance,
      dx,
      dscale,
      dbias,
    };
  };

  it("is one operator, with the statistics and gradients of the reference", async () => {
    const graph = graphOf(shapes, build as (...inputs: Value[]) => Record<string, Value>);
    expect(operatorsOf(graph).filter((operator) => operator === "BatchNormalization").length).toBeGreaterThanOrEqual(2);
    const feeds = feedsOf(shapes, (shape, seed) => noise(shape, seed, 2));
    const expected = evaluate(graph, feeds, { precision: "f64" });
    // Twice, since the operator writes over its own arguments.
    for (const actual of [await runOnnx(graph, feeds), await runOnnx(graph, feeds)]) {
      for (const [name, { data }] of Object.entries(expected)) {
        const scale = Math.max(...Array.from(data, Math.abs));
        // Two normalisations of 120 elements each: some 30 roundings on the way, relative to the largest element.
        data.forEach((value, i) => {
          expect(Math.abs(actual[name]!.data[i]! - value) / scale, name).toBeLessThan(30 * 2 ** -24);
        });
      }
    }
  });
});

describe.skipIf(blockSize === undefined)("blocked convolutions (needs AVX2 or AVX-512)", () => {
  const channels: Record<string, [number, number]> = {
    "whole blocks": [32, 48],
    "channels filled up to a block": [20, 36],
    "channels that cannot be reordered": [18, 33],
  };
  for (const [name, [inputs, outputs]] of Object.entries(channels)) {
    it(`${name}: forward and gradients`, async () => {
      const shapes: Shape[] = [
        [2, inputs, 7, 6],
        [outputs, inputs, 3, 3],
        [2, outputs, 7, 6],
      ];
      const build = (x: Value, kernel: Value, g: Value) => {
        const y = conv2d(x, kernel, { padding: 1 });
        const [dx, dw] = grad(reduceSum(mul(y, g)), [x, kernel]) as [Value, Value];
        return { y, dx, dw };
      };
      await exact(shapes, build as (...inputs: Value[]) => Record<string, Value>);
      const graph = graphOf(shapes, build as (...inputs: Value[]) => Record<string, Value>);
      const { model } = toOnnxModel(graph, { fusions: sessionFusions({ blockSize }) });
      const blocked = model.graph.node.filter(({ domain }) => domain === "com.microsoft.nchwc");
      expect(blocked.length).toBe(name === "channels that cannot be reordered" ? 0 : 6);
    });
  }
});

describe("batch norm made again for a backward pass that did not keep it", () => {
  const shapes: Shape[] = [[4, 6, 16, 16], [8, 6, 3, 3], [8, 8, 3, 3], [8], [8]];
  const padding = 1;
  const graph = graphOf(shapes, (x, first, second, scale, bias) => {
    const { y } = batchNormTrain(conv2d(x!, first!, { padding }), scale!, bias!, 1e-5);
    const out = conv2d(leakyRelu(y, 0.01), second!, { padding });
    const [dFirst, dSecond, dScale] = grad(reduceSum(mul(out, out)), [first!, second!, scale!]) as [
      Value,
      Value,
      Value,
    ];
    return { out, dFirst, dSecond, dScale };
  });
  const repeated = repeatElementwise(graph);

  it("is the operator for given statistics", () => {
    const batchNorms = (each: Graph) =>
      operatorsOf(each).filter((operator) => operator === "BatchNormalization").length;
    expect(batchNorms(repeated)).toBe(batchNorms(graph) + 1);
  });

  // The operator rounds otherwise than the one in training mode, so the bits are not the same.
  it("is as near to float64 as what was kept", async () => {
    const feeds = feedsOf(shapes, noise);
    const expected = evaluate(graph, feeds, { precision: "f64" });
    const worst = (actual: Tensors, name: string) =>
      Math.max(...expected[name]!.data.map((value, i) => Math.abs(actual[name]!.data[i]! - value)));
    const [kept, made] = [await runOnnx(graph, feeds), await runOnnx(repeated, feeds)];
    for (const name of Object.keys(expected)) {
      expect(worst(made, name), name).toBeLessThanOrEqual(2 * worst(kept, name));
    }
  });
});
