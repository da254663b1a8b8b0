import {
  averagePool2x2,
  Builder,
  conv2d,
  f32,
  type Shape,
  sigmoid,
  squeezeExcite,
  type TensorData,
  type Tensors,
  type Value,
} from "asl-core";
import fc from "fast-check";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { exportOnnx } from "../src/export/export.js";
import { decodeModel } from "../src/proto/decode.js";
import { ATTRIBUTE_TYPE, type AttributeProto, DATA_TYPE, type NodeProto } from "../src/proto/messages.js";
import { floatsOf, tensorProto } from "../src/proto/tensors.js";
import { averaging } from "../src/quantize/average-pool.js";
import { quantizeOnnx } from "../src/quantize/quantize.js";
import { hidesSigmoid, sigmoidInput } from "../src/quantize/sigmoid.js";
import { Topology } from "../src/quantize/topology.js";
import { openOnnxModel } from "../src/runtime/open-model.js";
import { noise } from "./contract.js";

type Body = (x: Value, weight: (name: string, shape: Shape) => Value) => Value;

/** A file of y = body(x) with weights of noise, or `own` ones, and what it is with every layer in int8. */
async function quantized(x: TensorData, body: Body, own: Tensors = {}) {
  const state: Record<string, TensorData> = {};
  const graph = (batch: number) => {
    const builder = new Builder();
    const weight = (name: string, shape: Shape) => {
      state[name] = own[name] ?? noise(shape, 1 + Object.keys(state).length);
      return builder.input(name, { dtype: "f32", shape });
    };
    return builder.finish({
      y: body(builder.input("x", { dtype: "f32", shape: [batch, ...x.type.shape.slice(1)] }), weight),
    });
  };
  graph(1);
  const float = exportOnnx({ graph, state, batch: "dynamic" });
  const pictures = async function* () {
    yield { x };
  };
  const all = { maxError: Number.POSITIVE_INFINITY, layerErrors: false };
  const { bytes, report } = await quantizeOnnx(float, { runtime, threads: 1, pictures, ...all });
  return { bytes, report, graph: decodeModel(bytes).graph };
}

/** A line for each node: what it makes of what; constants are left out. */
function printed({ node, initializer }: { node: NodeProto[]; initializer: { name: string }[] }): string {
  const constants = new Set(initializer.map(({ name }) => name));
  return node
    .map(({ opType, input, output }) => {
      return `${output.join(", ")} = ${opType}(${input.filter((name) => !constants.has(name)).join(", ")})`;
    })
    .join("\n");
}

const images = (shape: Shape, seed = 1) => f32([...shape], Float32Array.from(noise(shape, seed).data, Math.abs));

/** Two channels: a convolution, its gates, a pool, a convolution. */
const block: Body = (x, weight) => {
  const gated = squeezeExcite(conv2d(x, weight("first", [2, 2, 1, 1])), {
    fc1: { weight: weight("fc1.weight", [1, 2, 1, 1]), bias: weight("fc1.bias", [1]) },
    fc2: { weight: weight("fc2.weight", [2, 1, 1, 1]), bias: weight("fc2.bias", [2]) },
  });
  return conv2d(averagePool2x2(gated), weight("second", [1, 2, 1, 1]));
};

describe("a quantised block", () => {
  it("has gates of one Sigmoid, a pool that convolves, and nothing that nobody reads", async () => {
    const { graph } = await quantized(images([2, 2, 4, 4]), block);
    expect(printed(graph)).toMatchInlineSnapshot(`
      "x/quantized = QuantizeLinear(x)
      x/dequantized = DequantizeLinear(x/quantized)
      Conv/weight/dequantized = DequantizeLinear()
      Conv = Conv(x/dequantized, Conv/weight/dequantized)
      Conv/quantized = QuantizeLinear(Conv)
      Conv/dequantized = DequantizeLinear(Conv/quantized)
      GlobalAveragePool = GlobalAveragePool(Conv/dequantized)
      GlobalAveragePool/quantized = QuantizeLinear(GlobalAveragePool)
      Reshape/quantized = Reshape(GlobalAveragePool/quantized)
      Reshape/dequantized = DequantizeLinear(Reshape/quantized)
      Gemm = Gemm(Reshape/dequantized)
      Relu = Relu(Gemm)
      Gemm_1 = Gemm(Relu)
      Div = Sigmoid(Gemm_1)
      Div/quantized = QuantizeLinear(Div)
      Reshape_1/quantized = Reshape(Div/quantized)
      Reshape_1/dequantized = DequantizeLinear(Reshape_1/quantized)
      Mul = Mul(Conv/dequantized, Reshape_1/dequantized)
      Mul/quantized = QuantizeLinear(Mul)
      Mul/dequantized = DequantizeLinear(Mul/quantized)
      AveragePool/weight/dequantized = DequantizeLinear()
      AveragePool = Conv(Mul/dequantized, AveragePool/weight/dequantized)
      AveragePool/quantized = QuantizeLinear(AveragePool)
      AveragePool/dequantized = DequantizeLinear(AveragePool/quantized)
      Conv_1/weight/dequantized = DequantizeLinear()
      y = Conv(AveragePool/dequantized, Conv_1/weight/dequantized)"
    `);
  });

  it("reads every result, or it is one of the outputs", async () => {
    const { node, output } = (await quantized(images([2, 2, 4, 4]), block)).graph;
    const read = new Set([...node.flatMap(({ input }) => input), ...output.map(({ name }) => name)]);
    expect(node.filter((each) => !each.output.some((name) => read.has(name)))).toEqual([]);
  });

  it("keeps a sigmoid that is an output", async () => {
    const { graph } = await quantized(images([2, 2, 4, 4]), (x, weight) =>
      sigmoid(conv2d(x, weight("first", [2, 2, 1, 1]))),
    );
    expect(graph.node.filter(({ opType }) => opType === "Sigmoid")).toEqual([]);
  });
});

/** Of float32 scales and results, numbers up to 1. */
const ROUNDING = 2 ** -20;

describe("a pool that convolves", () => {
  it("is the mean of its window, to half a step of each value on the way", async () => {
    const identity = f32([3, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const pooled: Body = (x, weight) => {
      const kernel = weight("identity", [3, 3, 1, 1]);
      return conv2d(averagePool2x2(conv2d(x, kernel)), kernel);
    };
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(2, 4, 6), async (seed, size) => {
        const x = images([2, 3, size, size], seed);
        const { bytes, graph } = await quantized(x, pooled, { identity });
        const isAveraging = ({ opType, input }: NodeProto) => opType === "Conv" && input[1]!.includes("AveragePool");
        expect(graph.node.filter(isAveraging)).toHaveLength(1);
        await using session = await openOnnxModel(bytes, { runtime, threads: 1 });
        const { data } = (await session.run({ x })).y!;
        const steps = graph.initializer
          .filter(({ name }) => ["x/scale", "Conv/scale", "AveragePool/scale"].includes(name))
          .map((tensor) => floatsOf(tensor)[0]!);
        expect(steps).toHaveLength(3);
        const allowed = steps.reduce((a, b) => a + b) / 2 + ROUNDING;
        means2x2(x).forEach((mean, i) => {
          expect(Math.abs(data[i]! - mean)).toBeLessThanOrEqual(allowed);
        });
      }),
      { numRuns: 10 },
    );
  });
});

function means2x2({ data, type }: TensorData): number[] {
  const size = type.shape[3]!;
  const planes = data.length / size ** 2;
  const at = (plane: number, row: number, column: number) => data[(plane * size + row) * size + column]!;
  const half = Array.from({ length: size / 2 }, (_, i) => 2 * i);
  return Array.from({ length: planes }, (_, plane) => plane).flatMap((plane) =>
    half.flatMap((row) =>
      half.map((column) => {
        const [first, second] = [row, row + 1].map((each) => at(plane, each, column) + at(plane, each, column + 1));
        return (first! + second!) / 4;
      }),
    ),
  );
}

const node = (opType: string, input: string[], output: string, attribute: AttributeProto[] = []): NodeProto => ({
  ...{ name: output, opType, input, output: [output], attribute },
});

const topologyOf = (nodes: NodeProto[], constants: Readonly<Record<string, readonly [readonly number[], number]>>) =>
  new Topology({
    ...{ name: "graph", node: nodes, input: [], output: [] },
    initializer: Object.entries(constants).map(([name, [dims, value]]) =>
      tensorProto(name, DATA_TYPE.float, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value)),
    ),
  });

const ints = (name: string, values: number[]) => ({ name, type: ATTRIBUTE_TYPE.ints, ints: values });
const int = (name: string, i: number) => ({ name, type: ATTRIBUTE_TYPE.int, i });
const text = (name: string, s: string) => ({ name, type: ATTRIBUTE_TYPE.string, s: new TextEncoder().encode(s) });

describe("averaging", () => {
  const found = (attribute: AttributeProto[], reader = node("Conv", ["mean", "kernel"], "y")) => {
    const pool = node("AveragePool", ["x"], "mean", attribute);
    return averaging(pool, topologyOf([pool, reader], { kernel: [[5, 3, 1, 1], 1] }));
  };
  const window = ints("kernel_shape", [2, 3]);

  it("has the pool's window and steps, and the channels of the convolution that reads it", () => {
    expect(found([window, ints("strides", [2, 1])])).toEqual({
      ...{ dims: [3, 1, 2, 3], tap: 1 / 6 },
      attribute: [window, ints("strides", [2, 1]), int("group", 3)],
    });
    expect(found([window], node("Conv", ["mean", "kernel"], "y", [int("group", 5)]))?.dims).toEqual([15, 1, 2, 3]);
    const idle = [
      ints("pads", [0, 0, 0, 0]),
      ints("dilations", [1, 1]),
      int("ceil_mode", 0),
      text("auto_pad", "VALID"),
    ];
    expect(found([window, ...idle])).toEqual(found([window]));
  });

  it.each<[string, AttributeProto]>([
    ["a border", ints("pads", [0, 0, 1, 0])],
    ["half a window at the end", int("ceil_mode", 1)],
    ["places apart", ints("dilations", [2, 1])],
    ["a border of the runtime's choice", text("auto_pad", "SAME_UPPER")],
  ])("is none with %s", (_, attribute) => {
    expect(found([window, attribute])).toBeUndefined();
  });

  it("is none where no convolution tells the channels", () => {
    expect(found([window], node("Relu", ["mean"], "y"))).toBeUndefined();
    expect(found([window], node("Conv", ["x", "kernel"], "y"))).toBeUndefined();
  });
});

describe("sigmoidInput", () => {
  const CONSTANTS = { zero: [[], 0], one: [[], 1], ones: [[1, 1, 1], 1] } as const;
  const sigmoidOf = ({ min = ["x", "zero"], abs = "x", add = ["tail", "one"], last = "Div" }) => {
    const nodes = [
      ...[node("Min", min, "least"), node("Exp", ["least"], "head"), node("Abs", [abs], "size")],
      ...[node("Neg", ["size"], "negative"), node("Exp", ["negative"], "tail"), node("Add", add, "sum")],
      node(last, ["head", "sum"], "y"),
    ];
    return sigmoidInput(nodes.at(-1)!, topologyOf(nodes, CONSTANTS));
  };

  it("is what all seven nodes start from, constants on either side", () => {
    expect(sigmoidOf({})).toBe("x");
    expect(sigmoidOf({ min: ["zero", "x"], add: ["one", "tail"] })).toBe("x");
  });

  it.each([
    ["another limit", { min: ["x", "one"] }],
    ["no limit", { min: ["x"] }],
    ["a third in the minimum", { min: ["x", "zero", "z"] }],
    ["another value in the denominator", { abs: "z" }],
    ["another sum", { add: ["tail", "zero"] }],
    ["a constant that gives the result more axes", { add: ["tail", "ones"] }],
    ["a sum of two values", { add: ["tail", "head"] }],
    ["a product of both", { last: "Mul" }],
  ])("is none with %s", (_, change) => {
    expect(sigmoidOf(change)).toBeUndefined();
  });

  it("is left alone where steps are so small that its tails count", () => {
    expect(hidesSigmoid(1 / 255)).toBe(true);
    expect(hidesSigmoid(1e-5 / 255)).toBe(false);
  });
});
