import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSnapshot } from "asl-checkpoint";
import { initialize, type Tensors, tresnet } from "asl-core";
import { referenceBackend } from "asl-reference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecipeOptions, train } from "../src/index.js";
import { inMemoryLoader } from "./in-memory-loader.js";

const CLASSES = ["cat", "dog", "bird"];
/** Nobody looked for birds on any picture. */
const BIRD = 2;
const SHAPE = { imageSize: 20, batchSize: 2 };
const MODEL = { blocks: [1, 1, 1, 1], planes: 2, basicStages: 2, classes: CLASSES.length } as const;
// the L2 term would move the weights of a class without any loss
const RECIPE = { epochs: 1, learningRate: 0.01, weightDecay: 0, seed: 3 } as const;

/** Weights and bias of a class in the head. */
function headOf(state: Tensors, label: number): number[] {
  const [weight, bias] = [state["head.fc.weight"]!, state["head.fc.bias"]!];
  const features = weight.data.length / CLASSES.length;
  return [...weight.data.slice(label * features, (label + 1) * features), bias.data[label]!];
}

describe("a run on pictures on which nobody looked for one class", () => {
  let folder = "";
  const states: Record<string, Tensors> = {};
  const start = initialize(tresnet(MODEL).state, RECIPE.seed);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "asl-partial-"));
    const common = { unannotated: "selective", priors: [0.5, 0.5, 0.2] } as const;
    const recipes: Record<string, Partial<RecipeOptions>> = {
      ignore: { unannotated: "ignore" },
      negative: { unannotated: "negative" },
      // neither its prior nor any probability is above these
      "selective, unlikely": { ...common, priorThreshold: 0.3, likelihoodThreshold: 1 },
      "selective, frequent": { ...common, priorThreshold: 0.1, likelihoodThreshold: 1 },
      "selective, likely by the network": { ...common, priorThreshold: 0.3, likelihoodThreshold: 0 },
    };
    for (const [name, recipe] of Object.entries(recipes)) {
      await train({
        ...SHAPE,
        backend: referenceBackend({ precision: "f32" }),
        model: MODEL,
        training: inMemoryLoader({
          ...{ ...SHAPE, classes: CLASSES, pictures: 6, shuffleSeed: 1, unannotated: BIRD },
          lastBatch: "drop",
        }),
        resizeFilter: "bilinear",
        recipe: { ...RECIPE, ...recipe },
        out: join(folder, name),
      });
      states[name] = (await readSnapshot(join(folder, name, "last.snapshot"))).state;
    }
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("ignore: the head of that class stays as it was, bit for bit, and the others learn", () => {
    expect(headOf(states.ignore!, BIRD)).toEqual(headOf(start, BIRD));
    for (const label of [0, 1]) expect(headOf(states.ignore!, label)).not.toEqual(headOf(start, label));
  });

  it("negative: the class is pushed down", () => {
    expect(headOf(states.negative!, BIRD).at(-1)!).toBeLessThan(headOf(start, BIRD).at(-1)!);
  });

  it("selective: as negative where the class is unlikely", () => {
    expect(states["selective, unlikely"]).toEqual(states.negative);
  });

  it.each(["selective, frequent", "selective, likely by the network"])("%s: as ignore", (name) => {
    expect(states[name]).toEqual(states.ignore);
  });
});
