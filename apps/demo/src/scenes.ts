import type { Reporter } from "asl-cli";
import { type EmojiScenes, type EmojiScenesOptions, generateEmojiScenes, ICON_FAMILIES } from "asl-data";
import type { DemoRecipe } from "./recipe.js";
import type { RunFolder } from "./run-folder.js";

export interface DemoScenes {
  readonly train: EmojiScenes;
  /** Other scenes of the icon families that training shows. */
  readonly val: EmojiScenes;
  /** Other scenes of the icon family that training never shows. */
  readonly heldOut: EmojiScenes;
}

/** Generates the three sets of emoji scenes, or keeps those that are there. */
export async function generateScenes(
  recipe: DemoRecipe,
  folder: RunFolder,
  report: Reporter,
  signal: AbortSignal,
): Promise<DemoScenes> {
  const { seed, classes, imageSize, heldOutFamily, scenes } = recipe;
  const families = ICON_FAMILIES.filter((family) => family !== heldOutFamily);
  const generate = async (
    label: string,
    options: Pick<EmojiScenesOptions, "out" | "split" | "scenes" | "families">,
  ) => {
    const progress = report.progress({ label, total: options.scenes, unit: "scenes" });
    try {
      const onProgress = (done: number) => progress.update(done);
      return await generateEmojiScenes({ ...options, seed, classes, imageSize, onProgress, signal });
    } finally {
      progress.stop();
    }
  };
  return {
    train: await generate("training scenes", {
      out: folder.scenes.train,
      split: "train",
      scenes: scenes.train,
      families,
    }),
    val: await generate("unseen scenes", { out: folder.scenes.val, split: "val", scenes: scenes.val, families }),
    heldOut: await generate("scenes of the held-out icons", {
      out: folder.scenes.heldOut,
      split: "val",
      scenes: scenes.heldOut,
      families: [heldOutFamily],
    }),
  };
}
