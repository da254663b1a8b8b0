import { readFileSync } from "node:fs";
import { type OfficialLossCase, officialLossGraph } from "asl-conformance";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST, runOnce } from "./backends.js";
import { fixture } from "./fixtures.js";

const { cases } = JSON.parse(readFileSync(fixture("loss/losses.json"), "utf8")) as { cases: OfficialLossCase[] };

/** Agreement with the official implementation's float64 values (issue "The main job", point 2). */
const CONTRACT = {
  f64: { loss: () => 1e-12, gradient: 1e-12 },
  // 1 - p cancels for large logits where clip = 0; the exact loss will not
  f32: { loss: (clip: number) => (clip === 0 ? 5e-5 : 1e-6), gradient: 3e-6 },
};

describe.each(BACKENDS_UNDER_TEST)("official losses on $name", ({ backend, precision }) => {
  it.each(cases.map((each, index) => ({ ...each, index })))("$index $cls $cfg $targets_kind", async (each) => {
    const { graph, feeds } = officialLossGraph(each);
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
    const plain = await runOnce(backend(), officialLossGraph(each).graph, officialLossGraph(each).feeds);
    const twin = officialLossGraph({ ...each, cls: "AsymmetricLossOptimized" });
    const optimized = await runOnce(backend(), twin.graph, twin.feeds);
    expect(optimized.loss!.data).toEqual(plain.loss!.data);
    expect(largestDifference(optimized.gradient!.data, plain.gradient!.data)).toBeLessThanOrEqual(
      CONTRACT[precision].gradient,
    );
  });
});

it("the file holds all 30 cases", () => expect(cases).toHaveLength(30));

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Array.from(expected).reduce((worst, value, i) => Math.max(worst, Math.abs(actual[i]! - value)), 0);
}
