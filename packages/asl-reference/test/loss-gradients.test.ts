import {
  type AsymmetricLossOptions,
  asymmetricLoss,
  asymmetricLossOptimized,
  asymmetricLossSingleLabel,
  binaryCrossEntropy,
  build,
  focalLoss,
  grad,
  i32,
  probabilityBalance,
  reduceSum,
  type TensorData,
  type Unannotated,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { f64 } from "./apply.js";
import { mismatches, RELATIVE_ERROR, type TensorFunction, uniform } from "./finite-differences.js";

const shape = [3, 6];
const logits = uniform(shape, 1, -6, 6);
const hard = f64(shape, [1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
const soft = uniform(shape, 2, 0, 1);
const classWeights = uniform([6], 3, 0.5, 2);
/** -1 marks classes that nobody annotated. */
const partial = f64(
  shape,
  Array.from(hard.data, (target, i) => (i % 4 === 1 ? -1 : target)),
);

const LOSSES = { asymmetricLoss, asymmetricLossOptimized } as const;

/** x -> loss with the targets as a constant: no gradient is asked of them. */
const lossOf =
  (loss: keyof typeof LOSSES, targets: TensorData, options: AsymmetricLossOptions): TensorFunction =>
  (x) =>
    LOSSES[loss](x!, x!.builder.constant(targets), options);

const OPTIONS: readonly (readonly [string, AsymmetricLossOptions])[] = [
  ["the paper's", {}],
  ["the training recipe's", { gammaPos: 0 }],
  ["no clipping", { clip: 0 }],
  ["much clipping", { clip: 0.3 }],
  ["no focusing", { gammaNeg: 0, gammaPos: 0 }],
  ["equal focusing", { gammaNeg: 2, gammaPos: 2 }],
  ["gamma 1 for negatives", { gammaNeg: 1, gammaPos: 0 }],
  ["fractional gammas below 1", { gammaNeg: 0.5, gammaPos: 0.25 }],
  ["equal fractional gammas below 1", { gammaNeg: 0.5, gammaPos: 0.5 }],
  ["fractional gammas above 1", { gammaNeg: 2.5, gammaPos: 1.5 }],
];

describe.each(["asymmetricLoss", "asymmetricLossOptimized"] as const)("the gradient of %s", (loss) => {
  describe.each(OPTIONS)("with %s options", (_title, options) => {
    const through = { ...options, detachFocusingWeight: false };

    it("is the difference quotient for hard targets", () => {
      expect(mismatches(lossOf(loss, hard, { ...through, targets: "hard" }), [logits])).toEqual([]);
      expect(mismatches(lossOf(loss, hard, through), [logits])).toEqual([]);
    });

    it("is the difference quotient for soft targets", () => {
      expect(mismatches(lossOf(loss, soft, through), [logits])).toEqual([]);
    });
  });

  it.each(["sum", "batchMean", "mean", "none"] as const)(
    "is the difference quotient under reduction %s",
    (reduction) => {
      const options: AsymmetricLossOptions = { reduction, detachFocusingWeight: false };
      expect(mismatches(lossOf(loss, hard, options), [logits])).toEqual([]);
    },
  );

  it("is the difference quotient with class weights", () => {
    const f: TensorFunction = (x) =>
      LOSSES[loss](x!, x!.builder.constant(hard), {
        classWeights: x!.builder.constant(classWeights),
        detachFocusingWeight: false,
      });
    expect(mismatches(f, [logits])).toEqual([]);
  });

  it.each(["ignore", "negative", "selective"] as const)("is the difference quotient with %s for -1", (mode) => {
    const f: TensorFunction = (x) => {
      const { builder } = x!;
      const unannotated: Unannotated =
        mode === "selective"
          ? {
              mode,
              prior: builder.constant(uniform([6], 4, 0, 0.2)),
              priorThreshold: 0.1,
              likelihoodThreshold: 0.5,
            }
          : { mode };
      return LOSSES[loss](x!, builder.constant(partial), {
        unannotated,
        reduction: "mean",
        detachFocusingWeight: false,
      });
    };
    expect(mismatches(f, [logits])).toEqual([]);
  });

  it.each(OPTIONS)(
    "with %s options and a detached weight is that of the loss with the weight held fixed",
    (_t, options) => {
      const settings = { gammaNeg: 4, gammaPos: 1, clip: 0.05, epsilon: 1e-8, ...options } as const;
      const graph = build((b) => {
        const x = b.input("x", logits.type);
        const y = LOSSES[loss](x, b.constant(hard), { ...options, detachFocusingWeight: true, reduction: "none" });
        return { y, gradient: grad(reduceSum(y), [x])[0]! };
      });
      const { y, gradient } = evaluate(graph, { x: logits }, { precision: "f64" });
      // The definition: L(x) = -[t log max(p, eps) + (1 - t) log max(q, eps)] W(x0), differentiated at x = x0.
      const element = (x: number, target: number, x0: number): number => {
        const parts = (at: number) => {
          const p = 1 / (1 + Math.exp(-at));
          return { p, q: Math.min(1 - p + settings.clip, 1) };
        };
        const { p, q } = parts(x);
        const { p: p0, q: q0 } = parts(x0);
        const weight = (1 - (target === 1 ? p0 : q0)) ** Number(target === 1 ? settings.gammaPos : settings.gammaNeg);
        return -Math.log(Math.max(target === 1 ? p : q, settings.epsilon)) * weight;
      };
      const step = 2 ** -17;
      logits.data.forEach((x0, i) => {
        const target = hard.data[i]!;
        expect(y!.data[i]).toBeCloseTo(element(x0, target, x0), 12);
        const numeric = (element(x0 + step, target, x0) - element(x0 - step, target, x0)) / (2 * step);
        const rounding = (16 * 2 ** -53 * Math.abs(element(x0, target, x0))) / step;
        const allowed = RELATIVE_ERROR * Math.abs(numeric) + rounding;
        expect(Math.abs(gradient!.data[i]! - numeric)).toBeLessThanOrEqual(allowed);
      });
    },
  );
});

describe("the gradient of the other losses", () => {
  const targets = i32([3], [2, 0, 5]);

  it.each([
    ["defaults", {}],
    ["no smoothing", { labelSmoothing: 0 }],
    ["focusing of both", { gammaPos: 2, gammaNeg: 1 }],
    ["fractional focusing", { gammaPos: 1.5, gammaNeg: 2.5 }],
    ["sum", { reduction: "sum" }],
    ["none", { reduction: "none" }],
  ] as const)("asymmetricLossSingleLabel, %s, is the difference quotient", (_title, options) => {
    expect(mismatches((x, target) => asymmetricLossSingleLabel(x!, target!, options), [logits, targets])).toEqual([]);
  });

  it("focalLoss is the difference quotient", () => {
    expect(mismatches((x) => focalLoss(x!, x!.builder.constant(hard)), [logits])).toEqual([]);
  });

  it("binaryCrossEntropy is the difference quotient", () => {
    const f: TensorFunction = (x) => binaryCrossEntropy(x!, x!.builder.constant(hard));
    expect(mismatches(f, [logits])).toEqual([]);
  });

  it.each(["pPlus", "pMinus"] as const)("%s of probabilityBalance is the difference quotient", (side) => {
    expect(mismatches((x) => probabilityBalance(x!, x!.builder.constant(hard))[side], [logits])).toEqual([]);
  });
});
