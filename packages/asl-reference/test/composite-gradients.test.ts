import {
  alongChannels,
  averagePool2x2,
  batchNormEval,
  batchNormTrain,
  blurPool,
  globalMean,
  leakyRelu,
  linear,
  logSoftmax,
  mul,
  relu,
  spaceToDepth,
  squeezeExcite,
  type TensorData,
  type Value,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { f64 } from "./apply.js";
import { mismatches, slopeOf, type TensorFunction, uniform } from "./finite-differences.js";

/** Numbers of both signs, at least 0.1 from 0, where the activations have their corner. */
function awayFromZero(shape: readonly number[], seed: number): TensorData {
  const { type, data } = uniform(shape, seed, 0.1, 1);
  return { type, data: Float64Array.from(data, (value, i) => (i % 3 === 0 ? -value : value)) };
}

const EPSILON = 1e-5;

interface Composite {
  readonly title: string;
  readonly f: TensorFunction;
  readonly inputs: readonly TensorData[];
}

const composite = (title: string, f: TensorFunction, ...inputs: TensorData[]): Composite => ({ title, f, inputs });

/** Even, odd and mixed extents: odd ones end in a smaller window, or read the mirrored border. */
const poolingCases = [
  [4, 4],
  [5, 4],
  [3, 7],
  [2, 2],
].flatMap(([height, width]) => {
  const x = uniform([2, 2, height!, width!], 6);
  return [
    composite(`blurPool of ${height} x ${width}`, (a) => blurPool(a!), x),
    composite(`averagePool2x2 of ${height} x ${width}`, (a) => averagePool2x2(a!), x),
  ];
});

/** x times a value per channel. */
const scaledBy = (x: Value, channels: Value) => mul(x, alongChannels(channels, x));

const COMPOSITES: readonly Composite[] = [
  composite("relu", (x) => relu(x!), awayFromZero([3, 4], 1)),
  composite("leakyRelu of slope 0.01 (stem)", (x) => leakyRelu(x!, 0.01), awayFromZero([3, 4], 2)),
  composite("leakyRelu of slope 0.001 (blocks)", (x) => leakyRelu(x!, 0.001), awayFromZero([3, 4], 3)),
  composite("logSoftmax", (x) => logSoftmax(x!), uniform([3, 5], 4, -4, 4)),
  composite("spaceToDepth 4", (x) => spaceToDepth(x!, 4), uniform([1, 2, 8, 4], 5)),
  ...poolingCases,
  composite("averagePool2x2 of 1 x 1", (x) => averagePool2x2(x!), uniform([2, 2, 1, 1], 7)),
  composite("globalMean", (x) => globalMean(x!), uniform([2, 3, 3, 2], 8)),
  composite("linear", (x, w, b) => linear(x!, w!, b!), uniform([3, 4], 9), uniform([2, 4], 10), uniform([2], 11)),
  composite(
    "batchNormTrain",
    (x, scale, bias) => batchNormTrain(x!, scale!, bias!, EPSILON).y,
    uniform([3, 2, 3, 2], 12, -2, 2),
    uniform([2], 13),
    uniform([2], 14),
  ),
  composite(
    "batchNormTrain whose input depends on its scale",
    (x, scale, bias) => batchNormTrain(scaledBy(x!, scale!), scale!, bias!, EPSILON).y,
    uniform([3, 2, 2, 2], 15, -2, 2),
    uniform([2], 16, 0.5, 1),
    uniform([2], 17),
  ),
  composite(
    "batchNormEval",
    (x, scale, bias, mean, variance) => batchNormEval(x!, scale!, bias!, mean!, variance!, EPSILON),
    uniform([2, 2, 3, 2], 18),
    uniform([2], 19),
    uniform([2], 20),
    uniform([2], 21),
    uniform([2], 22, 0.5, 2),
  ),
  composite(
    "squeezeExcite",
    (x, w1, b1, w2, b2) => squeezeExcite(x!, { fc1: { weight: w1!, bias: b1! }, fc2: { weight: w2!, bias: b2! } }),
    uniform([2, 4, 2, 3], 23),
    uniform([3, 4, 1, 1], 24),
    uniform([3], 25, 0.5, 1),
    uniform([4, 3, 1, 1], 26),
    uniform([4], 27),
  ),
];

describe.each(COMPOSITES)("the gradient of $title", ({ f, inputs }) => {
  it("is the difference quotient", () => {
    expect(mismatches(f, inputs)).toEqual([]);
  });

  it("has a gradient of its own that is the difference quotient", () => {
    expect(mismatches(slopeOf(f, inputs), inputs)).toEqual([]);
  });
});

describe("batch statistics", () => {
  const x = uniform([3, 2, 3, 2], 12, -2, 2);
  const ones = f64([2], [1, 1]);
  it.each(["mean", "unbiasedVariance"] as const)("%s has its difference quotient", (statistic) => {
    const f: TensorFunction = (a) =>
      batchNormTrain(a!, a!.builder.constant(ones), a!.builder.constant(ones), EPSILON).statistics[statistic];
    expect(mismatches(f, [x])).toEqual([]);
  });
});
