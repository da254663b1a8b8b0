import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readCheckpoint } from "asl-checkpoint";
import { beforeAll, describe, expect, it } from "vitest";
import { trainCommand } from "../src/command.js";
import { startingPoint } from "../src/starting-point.js";

const MODELS = resolve(fileURLToPath(import.meta.url), "../../../../fixtures/models");

let checkpoint: Awaited<ReturnType<typeof readCheckpoint>>;
beforeAll(async () => {
  checkpoint = await readCheckpoint(resolve(MODELS, "tresnet_tiny/checkpoint.pth"));
});

const dataset = {
  classes: Array.from({ length: 7 }, (_, index) => `class ${index}`),
  items: [{ name: "a.png", file: "a.png", labels: [0] }],
};

/** The network for seven other classes than the checkpoint's, as the command line `more` asks for it. */
function networkOf(more: readonly string[], from: typeof checkpoint) {
  const command = trainCommand();
  command.parse(["--data", ".", "--weights", resolve(MODELS, "tresnet_tiny/checkpoint.pth"), ...more], {
    from: "user",
  });
  return startingPoint({ ...command.opts(), loadBackbone: true }, dataset, from).config;
}

describe("the network that a training starts with", () => {
  it("is the checkpoint's, whatever its variant is called, with the classes of the pictures", () => {
    const { architecture } = checkpoint;
    const asVariant = (variant: "custom" | "tresnet_l") => ({
      ...checkpoint,
      architecture: { ...architecture!, variant },
    });
    for (const variant of ["custom", "tresnet_l"] as const) {
      expect(networkOf([], asVariant(variant))).toMatchObject({ blocks: [2, 2, 2, 1], planes: 8, classes: 7 });
    }
  });

  it("is what --model, --blocks or --width name, even when the checkpoint does not fit that", () => {
    expect(() => networkOf(["--model", "tresnet_m"], checkpoint)).toThrow(/checkpoint\.pth: does not fit the model/);
    expect(() => networkOf(["--width", "0.25"], checkpoint)).toThrow(
      /expected f32\[16,48,3,3\], found f32\[8,48,3,3\]/,
    );
    expect(networkOf(["--blocks", "2,2,2,1", "--width", "0.125"], checkpoint)).toMatchObject({ planes: 8 });
  });
});
