import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECIPE_DEFAULTS, resolveRecipe, scheduleAt } from "../src/index.js";

describe("resolveRecipe", () => {
  it("fills in the recipe of the official implementation", () => {
    expect(resolveRecipe({ epochs: 3 })).toEqual({ ...RECIPE_DEFAULTS, epochs: 3, scheduleEpochs: 3 });
    expect(RECIPE_DEFAULTS).toMatchObject({
      gammaNeg: 4,
      gammaPos: 0,
      clip: 0.05,
      lossNumerics: "exact",
      emaDecay: 0.9997,
      weightDecay: 1e-4,
    });
  });

  it.each([
    [{ epochs: 1.5 }, "epochs must be a whole number from 1 on; got 1.5"],
    [{ epochs: 4, scheduleEpochs: 3 }, "scheduleEpochs must be a whole number, at least epochs (4); got 3"],
    [{ epochs: 1, learningRate: 0 }, "learningRate must be a number above 0; got 0"],
    [{ epochs: 1, emaDecay: 1 }, "emaDecay must be from 0 to below 1; got 1"],
    [{ epochs: 1, clip: -0.1 }, "clip must be from 0 to below 1; got -0.1"],
    [{ epochs: 1, gammaNeg: Number.POSITIVE_INFINITY }, "gammaNeg must be a number from 0 on; got Infinity"],
  ])("refuses %j", (options, message) => {
    expect(() => resolveRecipe(options)).toThrow(`recipe: ${message}`);
  });
});

describe("scheduleAt", () => {
  const recipes = fc.record({
    epochs: fc.integer({ min: 1, max: 20 }),
    emaDecay: fc.double({ min: 0, max: 0.99999, noNaN: true }),
  });

  it("warms the moving average up to its decay and never beyond", () => {
    fc.assert(
      fc.property(recipes, fc.integer({ min: 1, max: 50 }), (options, stepsPerEpoch) => {
        const recipe = resolveRecipe(options);
        const decays = Array.from(
          { length: options.epochs * stepsPerEpoch },
          (_, step) => scheduleAt(recipe, step, stepsPerEpoch).emaDecay,
        );
        expect(decays[0]).toBe(Math.min(0.1, options.emaDecay));
        decays.forEach((decay, step) => {
          expect(decay).toBeLessThanOrEqual(options.emaDecay);
          expect(decay).toBeGreaterThanOrEqual(decays[step - 1] ?? 0);
        });
      }),
    );
  });

  it("without warm-up has the full decay from the first step", () => {
    expect(scheduleAt(resolveRecipe({ epochs: 1, emaWarmUp: false }), 0, 10).emaDecay).toBe(0.9997);
  });

  it("peaks at the learning rate after the rising share and ends near 0", () => {
    const recipe = resolveRecipe({ epochs: 10, learningRate: 4e-3 });
    const rates = Array.from({ length: 100 }, (_, step) => scheduleAt(recipe, step, 10).learningRate);
    expect(rates.indexOf(Math.max(...rates))).toBe(19);
    expect(rates[19]).toBe(4e-3);
    expect(rates[0]).toBeCloseTo(4e-3 / 25, 15);
    expect(rates[99]).toBeCloseTo(4e-3 / 25 / 1e4, 15);
  });

  it("is laid out for the schedule's epochs when training stops earlier", () => {
    const stopped = resolveRecipe({ epochs: 5, scheduleEpochs: 10 });
    const whole = resolveRecipe({ epochs: 10 });
    for (let step = 0; step < 50; step++) expect(scheduleAt(stopped, step, 10)).toEqual(scheduleAt(whole, step, 10));
  });
});
