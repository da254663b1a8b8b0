import { type CommandContext, createCommand, type SharedOptions } from "asl-cli";
import { runDemo } from "./pipeline.js";
import { QUICK_RECIPE, RECIPE } from "./recipe.js";

export interface DemoCommandOptions extends SharedOptions {
  readonly out: string;
  readonly quick?: true | undefined;
}

export const demoCommand = () =>
  createCommand({
    name: "demo",
    description:
      "The whole path on generated emoji scenes: train, validate, tag a picture, export to ONNX, and a page of pictures.",
    examples: ["npx pnpm@10 demo", "npx pnpm@10 demo --quick --out runs/quick"],
  })
    .option("--out <folder>", "where everything is written", "runs/demo")
    .option("--quick", "a tiny network on a few scenes, to see that everything works; its figures mean nothing");

export async function demo(options: DemoCommandOptions, context: CommandContext): Promise<undefined> {
  await runDemo({ recipe: options.quick === true ? QUICK_RECIPE : RECIPE, out: options.out }, context);
}
