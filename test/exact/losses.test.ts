import { readFileSync } from "node:fs";
import { type AsymmetricLossOptions, exactAsymmetricLoss, exactAsymmetricLossOptimized } from "asl-core";
import { evaluate } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST, runOnce } from "../goldens/backends.js";
import { fixture } from "../goldens/fixtures.js";
import { differences } from "./bits.js";
import { elementwise, expectClose, feedsOf, graphOf, inFloat32, resultsOf } from "./loss-graphs.js";
import { lossElement } from "./truth.js";

interface GoldenCase {
  readonly cls: "AsymmetricLoss" | "AsymmetricLossOptimized" | "ASLSingleLabel";
  readonly cfg: Readonly<Record<string, number | boolean>>;
  readonly shape: readonly [number, number];
  readonly targets_kind: string;
  readonly logits: string;
  readonly targets: string;
  readonly loss_f64: number;
  readonly grad_f64: readonly number[];
}

const decodeFloats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);

const golden = (JSON.parse(readFileSync(fixture("loss/losses.json"), "utf8")) as { cases: GoldenCase[] }).cases.filter(
  ({ cls }) => cls !== "ASLSingleLabel",
);

/** The contract of f32 backends (test/goldens/losses.test.ts), here for clip = 0 too: relative loss, absolute gradient. */
const GOLDEN = { loss: 1e-6, gradient: 3e-6 };

const float32Backends = BACKENDS_UNDER_TEST.filter(({ precision }) => precision === "f32");

// float64 included: the polynomials and tables are made for float32, so wider arithmetic leaves their error, and the
// contract of float32 holds. What must hold to 1e-12 in float64 is the native form.
describe.each(BACKENDS_UNDER_TEST)("official multi-label losses on $name", ({ backend }) => {
  it.each(golden.map((each, index) => ({ ...each, index })))("$index $cls $cfg $targets_kind", async (each) => {
    const { cfg, shape } = each;
    const options: AsymmetricLossOptions = {
      gammaNeg: Number(cfg.gamma_neg),
      gammaPos: Number(cfg.gamma_pos),
      clip: Number(cfg.clip),
      epsilon: Number(cfg.eps),
      detachFocusingWeight: Boolean(cfg.disable_torch_grad_focal_loss),
    };
    const loss = each.cls === "AsymmetricLoss" ? exactAsymmetricLoss : exactAsymmetricLossOptimized;
    const feeds = feedsOf(decodeFloats(each.logits), decodeFloats(each.targets), shape);
    const outputs = await runOnce(backend(), graphOf(loss, options, shape), feeds);
    expect(Math.abs(outputs.loss!.data[0]! / each.loss_f64 - 1)).toBeLessThanOrEqual(GOLDEN.loss);
    const worst = each.grad_f64.reduce((most, g, i) => Math.max(most, Math.abs(g - outputs.gradient!.data[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(GOLDEN.gradient);
  });
});

const SHAPE = [4, 16] as const;
const SIZE = SHAPE[0] * SHAPE[1];
const arrayOf = <T>(element: fc.Arbitrary<T>) => fc.array(element, { minLength: SIZE, maxLength: SIZE });
const logits = arrayOf(fc.float({ min: -30, max: 30, noNaN: true }));
const hardTargets = arrayOf(fc.constantFrom(0, 1));
const softTargets = arrayOf(fc.float({ min: 0, max: 1, noNaN: true }));
const gammas = fc.constantFrom(0, 0.3, 0.5, 1, 2, 2.5, 4);
const someOptions = fc.record({
  gammaNeg: gammas,
  gammaPos: gammas,
  clip: fc.constantFrom(0, 0.003, 0.05, 0.2),
  epsilon: fc.constantFrom(1e-8, 1e-4, 1e-20),
  detachFocusingWeight: fc.boolean(),
}) satisfies fc.Arbitrary<AsymmetricLossOptions>;

describe("against the formula in float64", () => {
  const cases = (["hard", "soft"] as const).flatMap((targets) =>
    (["f32", "f64"] as const).map((precision) => ({ targets, precision })),
  );
  it.each(cases)("values and gradient, $targets targets, computed in $precision", ({ targets, precision }) => {
    fc.assert(
      fc.property(logits, targets === "hard" ? hardTargets : softTargets, someOptions, (x, y, options) => {
        const feeds = feedsOf(x, y, SHAPE);
        const all = { ...options, ...elementwise, targets };
        // Float32 rounds its options; the truth uses the same numbers
        const rounded = {
          ...options,
          gammaNeg: Math.fround(options.gammaNeg),
          gammaPos: Math.fround(options.gammaPos),
          clip: Math.fround(options.clip),
          epsilon: Math.fround(options.epsilon),
        };
        const elements = Array.from(feeds.x!.data, (value, i) => lossElement(value, feeds.y!.data[i]!, rounded));
        const truth = { loss: elements.map(({ loss }) => loss), gradient: elements.map(({ gradient }) => gradient) };
        const actual = evaluate(graphOf(exactAsymmetricLoss, all, SHAPE), feeds, { precision });
        expectClose(actual, truth, Math.max(options.gammaNeg, options.gammaPos));
      }),
    );
  });

  it("hard and soft give the same up to rounding where targets are 0 and 1", () => {
    fc.assert(
      fc.property(logits, hardTargets, someOptions, (x, y, options) => {
        const feeds = feedsOf(x, y, SHAPE);
        const one = inFloat32(
          graphOf(exactAsymmetricLoss, { ...options, ...elementwise, targets: "hard" }, SHAPE),
          feeds,
        );
        const other = inFloat32(graphOf(exactAsymmetricLoss, { ...options, ...elementwise }, SHAPE), feeds);
        expectClose(one, resultsOf(other), Math.max(options.gammaNeg, options.gammaPos));
      }),
    );
  });
});

describe("no cancellation for clip = 0", () => {
  it("the loss of a large logit is known to a few ulp, not to 2^-24", () => {
    const x = [10, 16, 20, 40, 60];
    const feeds = feedsOf(x, [1, 1, 1, 1, 1], [1, 5]);
    const options: AsymmetricLossOptions = { ...elementwise, gammaNeg: 0, gammaPos: 0, clip: 0, targets: "hard" };
    const { loss, gradient } = inFloat32(graphOf(exactAsymmetricLoss, options, [1, 5]), feeds);
    x.forEach((value, i) => {
      expect(Math.abs(loss!.data[i]! / Math.log1p(Math.exp(-value)) - 1)).toBeLessThan(2 ** -23);
      expect(Math.abs(gradient!.data[i]! * -(1 + Math.exp(value)) - 1)).toBeLessThan(2 ** -23);
    });
  });
});

describe.each(float32Backends)("AsymmetricLoss and AsymmetricLossOptimized on $name", ({ backend }) => {
  it("have the same bits, forward and gradient", async () => {
    await fc.assert(
      fc.asyncProperty(
        logits,
        softTargets,
        someOptions,
        fc.constantFrom("hard", "soft"),
        async (x, y, options, targets) => {
          const feeds = feedsOf(x, targets === "hard" ? y.map(Math.round) : y, SHAPE);
          const all = { ...options, ...elementwise, targets } as const;
          const plain = await runOnce(backend(), graphOf(exactAsymmetricLoss, all, SHAPE), feeds);
          const optimized = await runOnce(backend(), graphOf(exactAsymmetricLossOptimized, all, SHAPE), feeds);
          expect(differences(optimized, plain)).toEqual({ loss: 0, gradient: 0 });
        },
      ),
      { numRuns: 25 },
    );
  });
});

it("the two differ in the default of detachFocusingWeight alone", () => {
  const feeds = feedsOf([0.5, -1], [1, 0], [1, 2]);
  const plain = (detachFocusingWeight?: boolean) => {
    const options = detachFocusingWeight === undefined ? {} : { detachFocusingWeight };
    return [exactAsymmetricLoss, exactAsymmetricLossOptimized].map((loss) => {
      return [...inFloat32(graphOf(loss, options, [1, 2]), feeds).gradient!.data];
    });
  };
  const [[detached], [, through]] = [plain(true), plain(false)] as [number[][], number[][]];
  expect(plain()).toEqual([detached, through]);
});
