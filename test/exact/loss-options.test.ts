import {
  type AsymmetricLossOptions,
  asymmetricLoss,
  Builder,
  exactAsymmetricLoss,
  exactAsymmetricLossOptimized,
  f32,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { elementwise, expectClose, feedsOf, graphOf, inFloat32, type Loss, nativeInFloat64 } from "./loss-graphs.js";

describe("options", () => {
  const x = [3, -2, 0.5, 1, 0, 4, -1, 2, 1, -3, 0.2, 5];
  const y = [1, -1, 0, -1, 0, 1, -1, 0, -1, 0, 1, 0];
  const shape = [3, 4];
  const selective =
    (loss: Loss): Loss =>
    (a, b, options, builder) => {
      const prior = builder.constant(f32([4], [0.5, 0.01, 0.01, 0.01]));
      const unannotated = { mode: "selective", prior, priorThreshold: 0.1, likelihoodThreshold: 0.6 } as const;
      return loss(a, b, { ...options, unannotated }, builder);
    };

  it.each(["none", "sum", "batchMean", "mean"] as const)(
    "reduction %s, targets not annotated in every mode",
    (reduction) => {
      for (const unannotated of [{ mode: "ignore" }, { mode: "negative" }] as const) {
        const options: AsymmetricLossOptions = { reduction, unannotated, gammaPos: 1, gammaNeg: 2 };
        const truth = nativeInFloat64(graphOf(asymmetricLoss, options, shape), feedsOf(x, y, shape));
        expectClose(inFloat32(graphOf(exactAsymmetricLoss, options, shape), feedsOf(x, y, shape)), truth, 2);
      }
      const options: AsymmetricLossOptions = { reduction, gammaPos: 1, gammaNeg: 2 };
      const truth = nativeInFloat64(graphOf(selective(asymmetricLoss), options, shape), feedsOf(x, y, shape));
      expectClose(inFloat32(graphOf(selective(exactAsymmetricLoss), options, shape), feedsOf(x, y, shape)), truth, 2);
    },
  );

  it("an ignored element has neither loss nor gradient, NaN included", () => {
    const options: AsymmetricLossOptions = { ...elementwise, unannotated: { mode: "ignore" } };
    const { loss } = inFloat32(
      graphOf(exactAsymmetricLoss, options, [1, 2]),
      feedsOf([Number.NaN, 1], [-1, 1], [1, 2]),
    );
    expect(loss!.data[0]).toBe(0);
    expect(loss!.data[1]).toBeGreaterThan(0);
  });

  it("class weights scale columns", () => {
    const weights = [0, 1, 2, 0.5];
    const weighted: Loss = (a, b, options, builder) =>
      exactAsymmetricLoss(a, b, { ...options, classWeights: builder.constant(f32([4], weights)) });
    const targets = y.map((target) => Math.max(target, 0));
    const plain = inFloat32(graphOf(exactAsymmetricLoss, elementwise, shape), feedsOf(x, targets, shape));
    const scaled = inFloat32(graphOf(weighted, elementwise, shape), feedsOf(x, targets, shape));
    for (const name of ["loss", "gradient"]) {
      // 0, 1, 2 and 1/2: exact
      const expected = Array.from(plain[name]!.data, (value, i) => value * weights[i % 4]! + 0);
      expect(Array.from(scaled[name]!.data, (value) => value + 0)).toEqual(expected);
    }
  });

  it("gammas may be graph inputs, whole numbers and 0 included", () => {
    const gamma: Loss = (a, b, options, builder) =>
      exactAsymmetricLossOptimized(a, b, {
        ...options,
        gammaNeg: builder.input("gammaNeg", { dtype: "f32", shape: [] }),
        gammaPos: 0,
      });
    const targets = y.map((target) => Math.max(target, 0));
    for (const [gammaNeg, kind] of [
      [4, "hard"],
      [2.5, "hard"],
      [0, "hard"],
      [0.5, "soft"],
    ] as const) {
      const options: AsymmetricLossOptions = { ...elementwise, targets: kind };
      const feeds = { ...feedsOf(x, targets, shape), gammaNeg: f32([], [gammaNeg]) };
      const actual = inFloat32(graphOf(gamma, options, shape), feeds);
      const number: AsymmetricLossOptions = { ...options, gammaNeg, gammaPos: 0, detachFocusingWeight: false };
      const truth = nativeInFloat64(graphOf(asymmetricLoss, number, shape), feedsOf(x, targets, shape));
      expectClose(actual, truth, gammaNeg);
    }
  });

  it.each([
    [{ gammaNeg: -1 }, /gammaNeg must be a finite number >= 0; got -1/],
    [{ gammaPos: Number.NaN }, /gammaPos must be a finite number >= 0; got NaN/],
    [{ clip: 1 }, /clip must be in \[0, 1\); got 1/],
    [{ clip: -0.05 }, /clip must be in \[0, 1\); got -0.05/],
    [{ epsilon: 0 }, /epsilon must be in \[2\^-100, 1\); got 0/],
  ])("%j is refused", (options, message) => {
    expect(() => graphOf(exactAsymmetricLoss, options, [1, 2])).toThrow(message);
  });

  it("shapes must agree", () => {
    const builder = new Builder();
    const a = builder.input("a", { dtype: "f32", shape: [2, 3] });
    const b = builder.input("b", { dtype: "f32", shape: [3] });
    expect(() => exactAsymmetricLoss(a, b)).toThrow(/logits and targets must be one \[batch, classes\]/);
  });
});
