import { asymmetricLoss, trainProgram, tresnet } from "asl-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readsOf, writesOf } from "../src/kernel/kernel.js";
import { explanationOf, memoryOf, withoutFusion } from "../src/plan/explain.js";
import { planProgram } from "../src/plan/program-plan.js";
import { type Lifetime, planSlots } from "../src/plan/slots.js";
import { defaultTarget } from "../src/plan/target.js";

const lifetime: fc.Arbitrary<Lifetime> = fc
  .record({ bytes: fc.integer({ min: 1, max: 1000 }), first: fc.nat(30), length: fc.nat(10) })
  .map(({ bytes, first, length }) => ({ bytes, first, last: first + length }));

describe("slots", () => {
  it("never hold two values at one time, and every value fits into its slot", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 40 }), (lifetimes) => {
        const { slotOf, slotBytes } = planSlots(lifetimes);
        lifetimes.forEach((a, i) => {
          expect(slotBytes[slotOf[i]!]).toBeGreaterThanOrEqual(a.bytes);
          lifetimes.slice(0, i).forEach((b, j) => {
            if (slotOf[i] === slotOf[j]) expect(a.first > b.last || b.first > a.last).toBe(true);
          });
        });
      }),
    );
  });

  it("take no less than what is alive at one time, and no more than a buffer for each", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 40 }), (lifetimes) => {
        const { plannedBytes, naiveBytes, lowerBoundBytes } = planSlots(lifetimes);
        expect(plannedBytes).toBeGreaterThanOrEqual(lowerBoundBytes);
        expect(plannedBytes).toBeLessThanOrEqual(naiveBytes);
      }),
    );
  });
});

describe("a training step of a small TResNet", () => {
  const model = tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 4 });
  const train = trainProgram({ model, batchSize: 2, imageSize: 64, loss: (x, y) => asymmetricLoss(x, y) });
  const target = defaultTarget();
  const fused = planProgram(train, target);
  const separate = planProgram(train, withoutFusion(target));

  it("every kernel reads what an earlier one has made, and stays within the buffers that a kernel may bind", () => {
    for (const plan of [fused, separate]) {
      const given = new Set(Object.values(plan.graph.inputs));
      for (const { op, output } of plan.graph.nodes) if (op === "constant") given.add(output);
      for (const kernel of plan.kernels) {
        for (const id of readsOf(kernel)) expect(given.has(id), `%${id} of ${kernel.label}`).toBe(true);
        for (const id of writesOf(kernel)) given.add(id);
        const buffers = kernel.bindings.filter(({ kind }) => kind !== "zero");
        expect(buffers.length, kernel.label).toBeLessThanOrEqual(target.limits.maxStorageBuffersPerShaderStage);
      }
    }
  });

  it("fusion moves less than half of the bytes in less than a third of the kernels", () => {
    expect(explanationOf(fused).bytes).toBeLessThan(0.5 * explanationOf(separate).bytes);
    expect(fused.kernels.length).toBeLessThan(0.33 * separate.kernels.length);
  });

  it("memory is planned near what is alive at one time", () => {
    const { plannedBytes, lowerBoundBytes, naiveBytes } = memoryOf(fused);
    expect(plannedBytes).toBeLessThan(1.3 * lowerBoundBytes);
    expect(plannedBytes).toBeLessThan(0.5 * naiveBytes);
  });
});
