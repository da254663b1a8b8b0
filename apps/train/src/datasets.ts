import { dirname, join } from "node:path";
import type { JsonObject } from "asl-checkpoint";
import { type CommandContext, existingFolder, locateDataset, type PictureSet, USUAL_PLACES, UsageError } from "asl-cli";
import { type Dataset, type EmojiScenes, type EmojiSplit, generateEmojiScenes, openCoco } from "asl-data";
import type { TrainOptions } from "./command.js";

export interface Datasets {
  readonly training: Dataset;
  readonly validation: Dataset | undefined;
  /** What of it decides the result, for the run's recipe. */
  readonly description: JsonObject;
}

const EMOJI = "emoji";

export const isEmoji = ({ data }: Pick<TrainOptions, "data">): boolean => data === EMOJI;

/** Finds or makes the pictures. The validation pictures get the classes of the training pictures, by name. */
export async function openDatasets(
  options: TrainOptions,
  imageSize: number,
  context: CommandContext,
): Promise<Datasets> {
  const sets = isEmoji(options) ? await emojiSets(options, imageSize, context) : await cocoSets(options, context);
  const dropUnannotated = options.dropUnannotated === true;
  const training = await openCoco({ ...sets.training, dropUnannotated });
  const validation =
    sets.validation === undefined
      ? undefined
      : await openCoco({ ...sets.validation, dropUnannotated, classes: training.classes });
  return { training, validation, description: { ...sets.description, dropUnannotated } };
}

interface PictureSets {
  readonly training: PictureSet;
  readonly validation: PictureSet | undefined;
  readonly description: JsonObject;
}

async function cocoSets(options: TrainOptions, { report }: CommandContext): Promise<PictureSets> {
  const data = folderOf(options.data);
  const { annotations, valAnnotations, valData } = options;
  const located = annotations === undefined ? await locateDataset(data) : undefined;
  const training = annotations === undefined ? (located?.train ?? located?.whole) : { pictures: data, annotations };
  if (training === undefined) {
    throw new UsageError(
      `${data}: no annotations found (looked for ${USUAL_PLACES}); name them with --annotations FILE`,
    );
  }
  if (valData !== undefined && valAnnotations === undefined) {
    throw new UsageError("--val-data needs --val-annotations FILE");
  }
  const validation =
    valAnnotations === undefined
      ? located?.val
      : { pictures: valData ?? located?.val?.pictures ?? data, annotations: valAnnotations };
  report.note(`training pictures: ${training.pictures} (${training.annotations})`);
  if (validation === undefined) {
    report.warn(
      "no validation pictures (--val-annotations): no mAP, and the last weights are kept instead of the best",
    );
  } else {
    report.note(`validation pictures: ${validation.pictures} (${validation.annotations})`);
  }
  return { training, validation, description: { kind: "coco" } };
}

function folderOf(data: string): string {
  try {
    return existingFolder(data);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--data: ${why} ("emoji" generates pictures)`);
  }
}

/** Scenes are kept beside the run's folder, so that other runs find them. */
async function emojiSets(
  options: TrainOptions,
  imageSize: number,
  { report, signal }: CommandContext,
): Promise<PictureSets> {
  const { scenes, valScenes = Math.max(1, Math.round(scenes / 5)), out } = options;
  const given = (["annotations", "valAnnotations", "valData"] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) {
    const option = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${option} goes with a folder of pictures; --data emoji generates pictures and annotations`);
  }
  const classes = options.emojiClasses === "80" ? 80 : 20;
  const generate = async (split: EmojiSplit, count: number): Promise<EmojiScenes> => {
    const folder = join(dirname(out), "data", `emoji-${classes}-${imageSize}px-${split}-${count}`);
    const progress = report.progress({ label: `${split} scenes`, total: count, unit: "scenes" });
    try {
      return await generateEmojiScenes({
        out: folder,
        split,
        scenes: count,
        classes,
        imageSize,
        signal,
        onProgress: (done) => progress.update(done),
      });
    } finally {
      progress.stop();
    }
  };
  const training = await generate("train", scenes);
  const validation = await generate("val", valScenes);
  report.note(`emoji scenes: ${dirname(training.annotations)}, ${dirname(validation.annotations)}`);
  return {
    training,
    validation,
    description: { kind: EMOJI, trainingHash: training.hash, validationHash: validation.hash },
  };
}
