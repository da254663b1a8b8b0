import { readFileSync } from "node:fs";
import {
  type AsymmetricLossOptions,
  asymmetricLoss,
  asymmetricLossOptimized,
  asymmetricLossSingleLabel,
  Builder,
  f32,
  type Graph,
  grad,
  i32,
  reduceSum,
  type Tensors,
  type Value,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST, runOnce } from "./backends.js";
import { fixture } from "./fixtures.js";

interface LossCase {
  readonly cls: "AsymmetricLoss" | "AsymmetricLossOptimized" | "ASLSingleLabel";
  readonly cfg: Readonly<Record<string, number | boolean | string>>;
  readonly shape: readonly [number, number];
  readonly logits: string;
  /** Multi-label: base64 of [batch, classes]. */
  readonly targets?: string;
  /** Single-label: class of each row. */
  readonly target_index?: readonly number[];
  /** A list for reduction "none". */
  readonly loss_f64: number | readonly number[];
  readonly grad_f64: readonly number[];
}

const { cases } = JSON.parse(readFileSync(fixture("loss/losses.json"), "utf8")) as { cases: LossCase[] };

/** Agreement with the official implementation's float64 values (issue "The main job", point 2). */
const CONTRACT = {
  f64: { loss: () => 1e-12, gradient: 1e-12 },
  // 1 - p cancels for large logits where clip = 0; the exact loss will not
  f32: { loss: (clip: number) => (clip === 0 ? 5e-5 : 1e-6), gradient: 3e-6 },
};

describe.each(BACKENDS_UNDER_TEST)("official losses on $name", ({ backend, precision }) => {
  it.each(cases.map((each, index) => ({ ...each, index })))("$index $cls $cfg $targets_kind", async (each) => {
    const { graph, feeds } = lossGraph(each);
    const { loss, gradient } = await runOnce(backend(), graph, feeds);
    const clip = Number(each.cfg.clip ?? 1);
    const bound = CONTRACT[precision];
    [each.loss_f64].flat().forEach((expected, i) => {
      expect(Math.abs(loss!.data[i]! / expected - 1)).toBeLessThanOrEqual(bound.loss(clip));
    });
    expect(largestDifference(gradient!.data, each.grad_f64)).toBeLessThanOrEqual(bound.gradient);
  });

  const multiLabel = cases.filter(({ cls }) => cls === "AsymmetricLoss");
  it.each(multiLabel)("the optimised form has the same values: $cfg $targets_kind", async (each) => {
    const plain = await runOnce(backend(), lossGraph(each).graph, lossGraph(each).feeds);
    const twin = lossGraph({ ...each, cls: "AsymmetricLossOptimized" });
    const optimized = await runOnce(backend(), twin.graph, twin.feeds);
    expect(optimized.loss!.data).toEqual(plain.loss!.data);
    expect(largestDifference(optimized.gradient!.data, plain.gradient!.data)).toBeLessThanOrEqual(
      CONTRACT[precision].gradient,
    );
  });
});

it("the file holds all 30 cases", () => expect(cases).toHaveLength(30));

function lossGraph(each: LossCase): { graph: Graph; feeds: Tensors } {
  const builder = new Builder();
  const [batch, classes] = each.shape;
  const logits = builder.input("logits", { dtype: "f32", shape: [batch, classes] });
  const { target_index: targetIndex, targets: base64 = "" } = each;
  const targetData = targetIndex ? i32([batch], targetIndex) : f32(each.shape, decodeFloats(base64));
  const targets = builder.input("targets", targetData.type);
  const loss = LOSSES[each.cls](logits, targets, each.cfg);
  const [gradient] = grad(reduceSum(loss), [logits]);
  return {
    graph: builder.finish({ loss, gradient: gradient! }),
    feeds: { logits: f32(each.shape, decodeFloats(each.logits)), targets: targetData },
  };
}

type LossOf = (logits: Value, targets: Value, cfg: LossCase["cfg"]) => Value;

const LOSSES: Readonly<Record<LossCase["cls"], LossOf>> = {
  AsymmetricLoss: (logits, targets, cfg) => asymmetricLoss(logits, targets, optionsOf(cfg)),
  AsymmetricLossOptimized: (logits, targets, cfg) => asymmetricLossOptimized(logits, targets, optionsOf(cfg)),
  ASLSingleLabel: (logits, targets, cfg) =>
    asymmetricLossSingleLabel(logits, targets, {
      gammaPos: Number(cfg.gamma_pos),
      gammaNeg: Number(cfg.gamma_neg),
      labelSmoothing: Number(cfg.eps),
      reduction: cfg.reduction === "none" ? "none" : "mean",
    }),
};

function optionsOf(cfg: LossCase["cfg"]): AsymmetricLossOptions {
  return {
    gammaNeg: Number(cfg.gamma_neg),
    gammaPos: Number(cfg.gamma_pos),
    clip: Number(cfg.clip),
    epsilon: Number(cfg.eps),
    detachFocusingWeight: Boolean(cfg.disable_torch_grad_focal_loss),
  };
}

function decodeFloats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Float32Array(bytes.buffer);
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Array.from(expected).reduce((worst, value, i) => Math.max(worst, Math.abs(actual[i]! - value)), 0);
}
