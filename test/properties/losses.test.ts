import {
  type AsymmetricLossOptions,
  adaptGammaNeg,
  asymmetricLoss,
  asymmetricLossOptimized,
  Builder,
  binaryCrossEntropy,
  f32,
  focalLoss,
  grad,
  probabilityBalance,
  reduceSum,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const BATCH = 3;
const CLASSES = 4;
const SHAPE = [BATCH, CLASSES] as const;

type Loss = (logits: Value, targets: Value, builder: Builder) => Value;

/** The loss and its gradient at the given points, in float64. */
function lossAndGradient(
  loss: Loss,
  logits: readonly number[],
  targets: readonly number[],
  shape = SHAPE as readonly number[],
) {
  const builder = new Builder();
  const x = builder.input("logits", { dtype: "f32", shape });
  const y = builder.input("targets", { dtype: "f32", shape });
  const value = loss(x, y, builder);
  const [gradient] = grad(reduceSum(value), [x]);
  const feeds: Tensors = {
    logits: f32(shape, Float64Array.from(logits)),
    targets: f32(shape, Float64Array.from(targets)),
  };
  const outputs = evaluate(builder.finish({ loss: value, gradient: gradient! }), feeds, { precision: "f64" });
  return { loss: Array.from(outputs.loss!.data), gradient: Array.from(outputs.gradient!.data) };
}

const logit = fc.double({ min: -12, max: 12, noNaN: true });
const logits = fc.array(logit, { minLength: BATCH * CLASSES, maxLength: BATCH * CLASSES });
const hardTargets = fc.array(fc.constantFrom(0, 1), { minLength: BATCH * CLASSES, maxLength: BATCH * CLASSES });
const softTargets = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  minLength: BATCH * CLASSES,
  maxLength: BATCH * CLASSES,
});
const options = fc.record({
  gammaNeg: fc.constantFrom(0, 0.5, 1, 2, 2.5, 4),
  gammaPos: fc.constantFrom(0, 0.5, 1, 2),
  clip: fc.constantFrom(0, 0.05, 0.2),
  detachFocusingWeight: fc.boolean(),
}) satisfies fc.Arbitrary<AsymmetricLossOptions>;

/** Both sides are float64 sums of a dozen terms of size <= 20: 64 rounding errors of 2^-53 are far below this. */
const FLOAT64 = 1e-12;
const close = (a: readonly number[], b: readonly number[]) => {
  expect(a).toHaveLength(b.length);
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i]!)).toBeLessThanOrEqual(FLOAT64 * Math.max(1, Math.abs(b[i]!)));
  });
};

describe("multi-label asymmetric loss", () => {
  it("equals its definition, written out", () => {
    fc.assert(
      fc.property(logits, softTargets, options, (x, y, { gammaNeg, gammaPos, clip }) => {
        const expected = x.reduce((sum, value, i) => {
          const p = 1 / (1 + Math.exp(-value));
          const q = Math.min(1 - p + clip, 1);
          const t = y[i]!;
          const weight = Math.max(1 - (p * t + q * (1 - t)), 0) ** (gammaPos * t + gammaNeg * (1 - t));
          return sum - (t * Math.log(Math.max(p, 1e-8)) + (1 - t) * Math.log(Math.max(q, 1e-8))) * weight;
        }, 0);
        close(lossAndGradient((a, b) => asymmetricLoss(a, b, { gammaNeg, gammaPos, clip }), x, y).loss, [expected]);
      }),
    );
  });

  it("the closed-form gradient is the chain rule's", () => {
    fc.assert(
      fc.property(logits, softTargets, options, (x, y, each) => {
        const plain = lossAndGradient((a, b) => asymmetricLoss(a, b, each), x, y);
        const optimized = lossAndGradient((a, b) => asymmetricLossOptimized(a, b, each), x, y);
        expect(optimized.loss).toEqual(plain.loss);
        close(optimized.gradient, plain.gradient);
      }),
    );
  });

  it("`hard` changes nothing for targets 0 and 1", () => {
    fc.assert(
      fc.property(logits, hardTargets, options, (x, y, each) => {
        const soft = lossAndGradient((a, b) => asymmetricLoss(a, b, each), x, y);
        const hard = lossAndGradient((a, b) => asymmetricLoss(a, b, { ...each, targets: "hard" }), x, y);
        close(hard.loss, soft.loss);
        close(hard.gradient, soft.gradient);
      }),
    );
  });

  it("a batch may be split: losses add up, gradients stand side by side", () => {
    fc.assert(
      fc.property(logits, hardTargets, options, (x, y, each) => {
        const loss: Loss = (a, b) => asymmetricLoss(a, b, each);
        const whole = lossAndGradient(loss, x, y);
        const rows = Array.from({ length: BATCH }, (_, row) =>
          lossAndGradient(
            loss,
            x.slice(row * CLASSES, (row + 1) * CLASSES),
            y.slice(row * CLASSES, (row + 1) * CLASSES),
            [1, CLASSES],
          ),
        );
        close([rows.reduce((sum, row) => sum + row.loss[0]!, 0)], whole.loss);
        expect(rows.flatMap((row) => row.gradient)).toEqual(whole.gradient);
      }),
    );
  });

  it("focal loss and binary cross-entropy are special cases by name", () => {
    fc.assert(
      fc.property(logits, hardTargets, fc.constantFrom(0, 1, 2, 3), (x, y, gamma) => {
        const same = (a: Loss, b: Loss) => close(lossAndGradient(a, x, y).loss, lossAndGradient(b, x, y).loss);
        same(
          (a, b) => focalLoss(a, b, { gamma }),
          (a, b) => asymmetricLoss(a, b, { gammaNeg: gamma, gammaPos: gamma, clip: 0 }),
        );
        const softplus = x.reduce((sum, v, i) => sum + Math.log1p(Math.exp(y[i] === 1 ? -v : v)), 0);
        const crossEntropy = lossAndGradient((a, b) => binaryCrossEntropy(a, b), x, y).loss[0]!;
        // 1 - p in float64 at |x| <= 12 loses 2^-53 / e^-12 relative, in each of 12 terms
        expect(Math.abs(crossEntropy - softplus)).toBeLessThanOrEqual(
          12 * 2 ** -53 * Math.exp(12) + FLOAT64 * softplus,
        );
      }),
    );
  });

  it("reductions: sum, mean over the batch, mean over elements, none", () => {
    fc.assert(
      fc.property(logits, hardTargets, (x, y) => {
        const reduced = (reduction: NonNullable<AsymmetricLossOptions["reduction"]>) =>
          lossAndGradient((a, b) => asymmetricLoss(a, b, { reduction }), x, y).loss;
        const elements = reduced("none");
        expect(elements).toHaveLength(BATCH * CLASSES);
        close(reduced("sum"), [elements.reduce((sum, value) => sum + value, 0)]);
        close(reduced("batchMean"), [reduced("sum")[0]! / BATCH]);
        close(reduced("mean"), [reduced("sum")[0]! / (BATCH * CLASSES)]);
      }),
    );
  });

  it("class weights scale columns", () => {
    fc.assert(
      fc.property(logits, hardTargets, (x, y) => {
        const weights = [0, 1, 2, 0.5];
        const weighted: Loss = (a, b, builder) =>
          asymmetricLoss(a, b, { reduction: "none", classWeights: builder.constant(f32([CLASSES], weights)) });
        const plain = lossAndGradient((a, b) => asymmetricLoss(a, b, { reduction: "none" }), x, y);
        const scaled = lossAndGradient(weighted, x, y);
        close(
          scaled.loss,
          plain.loss.map((value, i) => value * weights[i % CLASSES]!),
        );
        close(
          scaled.gradient,
          plain.gradient.map((value, i) => value * weights[i % CLASSES]!),
        );
      }),
    );
  });
});

describe("targets of -1 (not annotated)", () => {
  const x = [3, -2, 0.5, 1, 0, 4, -1, 2, 1, -3, 0.2, 5];
  const y = [1, -1, 0, -1, 0, 1, -1, 0, -1, 0, 1, 0];
  const elements = (unannotated: AsymmetricLossOptions["unannotated"] | "prior") =>
    lossAndGradient(
      (a, b, builder) =>
        asymmetricLoss(a, b, {
          reduction: "none",
          ...(unannotated === undefined
            ? {}
            : {
                unannotated:
                  unannotated === "prior"
                    ? {
                        mode: "selective",
                        prior: builder.constant(f32([CLASSES], [0.5, 0.01, 0.01, 0.01])),
                        priorThreshold: 0.1,
                        likelihoodThreshold: 0.6,
                      }
                    : unannotated,
              }),
        }),
      x,
      y,
    );
  const asNegative = lossAndGradient(
    (a, b) => asymmetricLoss(a, b, { reduction: "none" }),
    x,
    y.map((target) => Math.max(target, 0)),
  );

  it("`ignore` has no loss and no gradient there, `negative` counts them as 0", () => {
    const ignored = elements({ mode: "ignore" });
    y.forEach((target, i) => {
      expect(ignored.loss[i]).toBe(target === -1 ? 0 : asNegative.loss[i]);
      expect(ignored.gradient[i]! + 0).toBe(target === -1 ? 0 : asNegative.gradient[i]! + 0);
    });
    expect(elements({ mode: "negative" })).toEqual(asNegative);
  });

  it("`selective` ignores likely ones only: by prior (class 0) or by prediction (p > 0.6)", () => {
    const { loss } = elements("prior");
    expect(y.flatMap((target, i) => (target === -1 && loss[i] === 0 && asNegative.loss[i] !== 0 ? [i] : []))).toEqual([
      3, 8,
    ]);
    y.forEach((target, i) => {
      if (target !== -1) expect(loss[i]).toBe(asNegative.loss[i]);
    });
  });

  it("`mean` divides by the annotated elements", () => {
    const annotated = y.filter((target) => target !== -1).length;
    const { loss } = lossAndGradient(
      (a, b) => asymmetricLoss(a, b, { reduction: "mean", unannotated: { mode: "ignore" } }),
      x,
      y,
    );
    close(loss, [elements({ mode: "ignore" }).loss.reduce((sum, value) => sum + value, 0) / annotated]);
  });
});

describe("adaptive asymmetry", () => {
  it("drives the probability gap to its target: negative feedback", () => {
    // A model whose gap grows with gammaNeg, as a stronger focus on positives makes it.
    const gapOf = (gammaNeg: number) => 0.05 * gammaNeg - 0.1;
    let gammaNeg = 0;
    for (let step = 0; step < 500; step++) {
      gammaNeg = adaptGammaNeg(gammaNeg, { pPlus: 0.5 + gapOf(gammaNeg), pMinus: 0.5 }, { rate: 1 });
    }
    expect(gapOf(gammaNeg)).toBeCloseTo(0.1, 6);
  });

  it("stays within [0, maximum] and refuses NaN", () => {
    expect(adaptGammaNeg(0, { pPlus: 1, pMinus: 0 }, { rate: 10 })).toBe(0);
    expect(adaptGammaNeg(9, { pPlus: 0, pMinus: 1 }, { rate: 10 })).toBe(10);
    expect(() => adaptGammaNeg(4, { pPlus: Number.NaN, pMinus: 0 }, { rate: 1 })).toThrow(/finite/);
  });

  it("measures mean p of positives and mean 1 - p of negatives; gammaNeg may be a graph input", () => {
    const builder = new Builder();
    const type = { dtype: "f32", shape: [1, 2] } as const;
    const [a, b] = [builder.input("logits", type), builder.input("targets", type)];
    const gammaNeg = builder.input("gammaNeg", { dtype: "f32", shape: [] });
    const loss = asymmetricLoss(a, b, { gammaNeg, gammaPos: 0 });
    const graph = builder.finish({ ...probabilityBalance(a, b), loss });
    const feeds = { logits: f32([1, 2], [0, Math.log(3)]), targets: f32([1, 2], [1, 0]), gammaNeg: f32([], [2]) };
    const outputs = evaluate(graph, feeds, { precision: "f64" });
    expect(outputs.pPlus!.data[0]).toBeCloseTo(0.5, 6);
    expect(outputs.pMinus!.data[0]).toBeCloseTo(0.25, 6);
    expect(outputs.loss!.data[0]).toBeCloseTo(Math.log(2) - Math.log(0.3) * 0.7 ** 2, 5);
  });
});
