import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DATA_TYPE } from "../src/proto/messages.js";
import { tensorProto } from "../src/proto/tensors.js";
import { biasCorrection } from "../src/quantize/layer-weights.js";
import { type CALIBRATION_METHODS, ValueStatistics } from "../src/quantize/ranges.js";
import {
  activationQuantization,
  dequantize,
  quantize,
  quantizeWeights,
  type Range,
  roundHalfEven,
  WEIGHT_LEVELS,
} from "../src/quantize/scales.js";
import { selectFloatLayers } from "../src/quantize/sensitivity.js";

/** Rounding of the float64 arithmetic of a test: 255 steps of `scale`, a few roundings of 2^-53. */
const slack = (scale: number) => 255 * scale * 2 ** -50;

const magnitude = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const range: fc.Arbitrary<Range> = fc
  .tuple(magnitude, magnitude, fc.constantFrom(-1, 0, 1))
  .map(([a, b, sign]) =>
    sign === 0 ? { low: -a, high: b } : { low: Math.min(sign * a, sign * b), high: Math.max(sign * a, sign * b) },
  );

describe("uint8 steps of an activation", () => {
  it("are at most half a step from every value of the range, and 0 is one", () => {
    fc.assert(
      fc.property(range, fc.double({ min: 0, max: 1, noNaN: true }), ({ low, high }, part) => {
        const steps = activationQuantization({ low, high });
        const x = Math.min(high, Math.max(low, low + part * (high - low)));
        const error = Math.abs(x - dequantize(quantize(x, steps), steps));
        expect(error).toBeLessThanOrEqual(steps.scale / 2 + slack(steps.scale));
        expect(dequantize(quantize(0, steps), steps)).toBe(0);
        expect(steps.scale).toBe(Math.fround(steps.scale));
      }),
    );
  });

  it("cut off what is outside", () => {
    const steps = activationQuantization({ low: -1, high: 254 });
    expect(steps).toEqual({ scale: 1, zeroPoint: 1 });
    expect([-9, -1, 0, 0.5, 1.5, 254, 999].map((x) => quantize(x, steps))).toEqual([0, 0, 1, 1, 3, 255, 255]);
  });

  it("of a value that is always 0, or next to it, are no subnormal numbers", () => {
    for (const high of [0, 1e-300, 1e-40]) {
      expect(activationQuantization({ low: 0, high })).toEqual({ scale: 2 ** -60, zeroPoint: 0 });
    }
  });

  it("round halves to even", () => {
    expect([-1.5, -0.5, 0.5, 1.5, 2.5].map((x) => roundHalfEven(x) + 0)).toEqual([-2, 0, 0, 2, 2]);
  });
});

describe("int8 weights", () => {
  const kernel = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 })).chain(([channels, size]) =>
    fc.record({
      channels: fc.constant(channels),
      weights: fc
        .array(fc.float({ noNaN: true, min: -100, max: 100 }), {
          minLength: channels * size,
          maxLength: channels * size,
        })
        .map((values) => Float32Array.from(values)),
    }),
  );

  it.each([7, 8] as const)("of %i bits are at most half a step of their channel away", (bits) => {
    fc.assert(
      fc.property(kernel, ({ channels, weights }) => {
        const { values, scales } = quantizeWeights(weights, channels, bits);
        const size = weights.length / channels;
        weights.forEach((weight, i) => {
          const scale = scales[Math.floor(i / size)]!;
          expect(Math.abs(weight - scale * values[i]!)).toBeLessThanOrEqual(scale / 2 + slack(scale));
          expect(Math.abs(values[i]!)).toBeLessThanOrEqual(WEIGHT_LEVELS[bits]);
        });
      }),
    );
  });

  it("that are multiples of a power of two are exact, each channel with its own", () => {
    const blur = [1, 2, 1, 2, 4, 2, 1, 2, 1].map((x) => x / 16);
    const weights = Float32Array.from([...blur, ...blur.map((x) => -1024 * x)]);
    const { values, scales } = quantizeWeights(weights, 2, 7);
    expect(Array.from(values, (value, i) => value * scales[Math.floor(i / 9)]!)).toEqual([...weights]);
    expect(scales[1]).toBe(1024 * scales[0]!);
  });

  it("of 7 bits make no pair of products overflow 16 bits", () => {
    expect(2 * 255 * WEIGHT_LEVELS[7]).toBeLessThan(2 ** 15);
    expect(2 * 255 * WEIGHT_LEVELS[8]).toBeGreaterThan(2 ** 15);
  });
});

describe("bias correction", () => {
  it("takes back just what rounded weights add to the mean, group by group", () => {
    const weights = Float32Array.from([0.5, 1, 3, 0.25]);
    const kernel = tensorProto("w", DATA_TYPE.float, [2, 1, 1, 2], weights);
    const values = Int8Array.from([1, 1, 3, 1]);
    const scales = Float32Array.from([1, 1]);
    // channel 0 reads input 0: (1 - 0.5) + (1 - 1); channel 1 reads input 1: (3 - 3) + (1 - 0.25)
    const layer = { name: "stem", kernel, group: 2 };
    expect([...biasCorrection(layer, { values, scales }, [10, 100])]).toEqual([5, 75]);
    // both inputs come from one channel
    expect([...biasCorrection(layer, { values, scales }, [10])]).toEqual([5, 7.5]);
    expect(() => biasCorrection(layer, { values, scales }, [1, 2, 3])).toThrow(
      /stem has 2 inputs, and what they come from has 3 channels.*set biasCorrection: false/,
    );
  });
});

describe("ranges", () => {
  const observed = (data: readonly number[]) => {
    const statistics = new ValueStatistics("x");
    statistics.observe(data, [1, 1, data.length]);
    statistics.count(data);
    return statistics;
  };
  const outlier = [...Array.from({ length: 100_000 }, (_, i) => (i % 1000) / 1000), 50];

  it("by minmax hold everything; by percentile and mse they leave a lone outlier out", () => {
    const statistics = observed(outlier);
    expect(statistics.range("minmax")).toEqual({ low: 0, high: 50 });
    for (const method of ["percentile", "mse"] as const) {
      const { low, high } = statistics.range(method);
      expect(low).toBe(0);
      expect(high).toBeGreaterThan(0.99);
      expect(high).toBeLessThan(50);
    }
  });

  it("by mse have no greater squared error than the whole range, up to the width of a bin", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 50 }), (data) => {
        const statistics = observed(data);
        const width = (Math.max(...data) - Math.min(...data)) / 2048;
        const rootError = (method: (typeof CALIBRATION_METHODS)[number]) => {
          const steps = activationQuantization(statistics.range(method));
          const squares = data.map((x) => (x - dequantize(quantize(x, steps), steps)) ** 2);
          return Math.sqrt(squares.reduce((a, b) => a + b));
        };
        // each value is taken for the middle of its bin, in both sums
        const binning = Math.sqrt(data.length) * (width / 2 + slack(1));
        // moved by half a bin a value may round to the next step, which is as near to within a bin
        expect(rootError("mse")).toBeLessThanOrEqual(rootError("minmax") + 2 * binning);
      }),
    );
  });

  it("know the mean of each channel over batches", () => {
    const statistics = new ValueStatistics("x");
    statistics.observe([1, 3, 10, 30], [1, 2, 2]);
    statistics.observe([5, 7, 50, 70], [1, 2, 2]);
    expect([...statistics.means]).toEqual([4, 40]);
  });

  it("refuse what is not finite, by name", () => {
    expect(() => new ValueStatistics("stem").observe([1, Number.NaN], [1, 2])).toThrow(/"stem" is not finite/);
  });
});

describe("selectFloatLayers", () => {
  const layers = [1, 5, 3, 2, 4].map((error) => ({ name: `layer ${error}`, error: error / 100 }));
  const sumOfOthers = (float: readonly string[]) =>
    layers.reduce((sum, { name, error }) => sum + (float.includes(name) ? 0 : error), 0);

  it.each([
    [1, []],
    [0.11, ["layer 5"]],
    [0.061, ["layer 5", "layer 4"]],
    [0.009, ["layer 5", "layer 4", "layer 3", "layer 2", "layer 1"]],
  ])("with %f allowed keeps the fewest, worst first: %j", async (allowed, expected) => {
    const { float, error } = await selectFloatLayers(layers, allowed, async (names) => sumOfOthers(names));
    expect(float).toEqual(expected);
    expect(error).toBe(sumOfOthers(expected));
  });
});
