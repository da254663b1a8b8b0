import {
  add,
  averagePool2x2,
  Builder,
  conv2d,
  f32,
  globalMean,
  leakyRelu,
  less,
  linear,
  matmul,
  mul,
  reduceSum,
  relu,
  type Shape,
  select,
  spaceToDepth,
  transpose,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { toOnnxModel } from "../src/model.js";
import { dyadic, expectSameBits, runOnnx } from "./contract.js";

/** The ONNX operators of y = build(...inputs), and y itself, which on dyadic inputs must have the reference's bits. */
async function lowered(shapes: readonly Shape[], build: (...inputs: Value[]) => Value): Promise<string[]> {
  const builder = new Builder();
  const inputs = shapes.map((shape, i) => builder.input(`in${i}`, { dtype: "f32", shape }));
  const graph = builder.finish({ y: build(...inputs) });
  const feeds = Object.fromEntries(shapes.map((shape, i) => [`in${i}`, dyadic(shape, i + 1)]));
  const expected = evaluate(graph, feeds, { precision: "f32" }).y!;
  const actual = (await runOnnx(graph, feeds)).y!;
  expect(actual.type).toEqual(expected.type);
  expectSameBits(actual.data, expected.data);
  return toOnnxModel(graph).model.graph.node.map(({ opType }) => opType);
}

const image: Shape = [2, 3, 8, 4];
const channels = (vector: Value, like: Value) =>
  like.builder.apply("broadcast", [vector], { shape: like.shape, axes: [1] });

describe("groups of nodes become one ONNX operator with the same bits", () => {
  it("max(x, 0) = Relu", async () => {
    expect(await lowered([image], (x) => relu(x))).toEqual(["Relu"]);
  });
  it("max(x, slope x) = LeakyRelu", async () => {
    expect(await lowered([image], (x) => leakyRelu(x, 0.25))).toEqual(["LeakyRelu"]);
  });
  it("x < 0 ? slope x : x = LeakyRelu", async () => {
    expect(await lowered([image], (x) => select(less(x, 0), mul(x, 0.25), x))).toEqual(["LeakyRelu"]);
  });
  it("a slope above 1 is no leaky ReLU", async () => {
    expect(await lowered([image], (x) => leakyRelu(x, 2))).toEqual(["Mul", "Max"]);
  });
  it("reshape, transpose, reshape = SpaceToDepth", async () => {
    expect(await lowered([image], (x) => spaceToDepth(x, 4))).toEqual(["SpaceToDepth"]);
    expect(await lowered([[1, 1, 4, 6]], (x) => spaceToDepth(x, 2))).toEqual(["SpaceToDepth"]);
  });
  it("the mean of height and width = GlobalAveragePool", async () => {
    expect(await lowered([image], (x) => globalMean(x))).toEqual(["GlobalAveragePool", "Reshape"]);
  });
  it("the mean of 2x2 windows = AveragePool, but not with an odd edge", async () => {
    expect(await lowered([image], (x) => averagePool2x2(x))).toEqual(["AveragePool"]);
    expect(await lowered([[2, 3, 5, 3]], (x) => averagePool2x2(x))).not.toContain("AveragePool");
  });
  it("sum of x * x = ReduceSumSquare", async () => {
    expect(await lowered([image], (x) => reduceSum(mul(x, x), [0, 2, 3]))).toEqual(["ReduceSumSquare"]);
  });
  it("conv + bias = Conv with a bias", async () => {
    const shapes: Shape[] = [image, [4, 3, 3, 3], [4]];
    const build = (x: Value, kernel: Value, bias: Value) => {
      const y = conv2d(x, kernel, { padding: 1 });
      return add(y, channels(bias, y));
    };
    expect(await lowered(shapes, build as (...inputs: Value[]) => Value)).toEqual(["Conv"]);
  });
  it("a convolution that is read twice keeps its bias apart", async () => {
    const build = (x: Value, kernel: Value, bias: Value) => {
      const y = conv2d(x, kernel, { padding: 1 });
      return mul(add(y, channels(bias, y)), y);
    };
    const shapes: Shape[] = [image, [4, 3, 3, 3], [4]];
    const operators = await lowered(shapes, build as (...inputs: Value[]) => Value);
    expect(operators.filter((operator) => operator === "Conv")).toHaveLength(1);
  });
  it("x W^T + b = Gemm", async () => {
    const shapes: Shape[] = [[5, 7], [3, 7], [3]];
    expect(await lowered(shapes, (x, weight, bias) => linear(x!, weight!, bias!))).toEqual(["Gemm"]);
  });
  it("transposed factors = Gemm", async () => {
    const turned = (x: Value) => transpose(x, [1, 0]);
    expect(
      await lowered(
        [
          [5, 7],
          [5, 3],
        ],
        (a, b) => matmul(turned(a!), b!),
      ),
    ).toEqual(["Gemm"]);
    expect(
      await lowered(
        [
          [5, 7],
          [3, 5],
        ],
        (a, b) => matmul(turned(a!), turned(b!)),
      ),
    ).toEqual(["Gemm"]);
    expect(
      await lowered(
        [
          [5, 7],
          [7, 3],
        ],
        (a, b) => matmul(a!, b!),
      ),
    ).toEqual(["MatMul"]);
  });
  it("an inner result that is an output too is still there", async () => {
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [2, 2] });
    const scaled = mul(x, 0.5);
    const graph = builder.finish({ scaled, y: relu(scaled) });
    const results = await runOnnx(graph, { x: f32([2, 2], [-1, 2, -3, 4]) });
    expect([...results.scaled!.data]).toEqual([-0.5, 1, -1.5, 2]);
    expect([...results.y!.data]).toEqual([0, 1, 0, 2]);
  });
});
