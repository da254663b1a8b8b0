import { dirname, join } from "node:path";
import type { JsonObject } from "asl-checkpoint";
import {
  annotatedSources,
  type CommandContext,
  existingData,
  findSources,
  openSource,
  readAliases,
  readClassNames,
  UsageError,
} from "asl-cli";
import {
  type Dataset,
  type DatasetSource,
  describeSource,
  type EmojiScenes,
  type EmojiSplit,
  generateEmojiScenes,
  locateSources,
} from "asl-data";
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
  const sets = isEmoji(options) ? await emojiSets(options, imageSize, context) : await sourcesOf(options, context);
  const aliases = await readAliases(options.aliases);
  const classes = options.classes === undefined ? undefined : await readClassNames(options.classes);
  const { dropUnannotated = false, skipMissing, difficult } = options;
  const common = { dropUnannotated, skipMissing, difficult, ...(aliases === undefined ? {} : { aliases }) };
  const training = await openSource(
    sets.training,
    { ...common, ...(classes === undefined ? {} : { classes }) },
    context,
  );
  const validation =
    sets.validation === undefined
      ? undefined
      : await openSource(sets.validation, { ...common, classes: training.classes }, context);
  return { training, validation, description: { ...sets.description, dropUnannotated } };
}

interface PictureSets {
  readonly training: DatasetSource;
  readonly validation: DatasetSource | undefined;
  readonly description: JsonObject;
}

async function sourcesOf(options: TrainOptions, { report }: CommandContext): Promise<PictureSets> {
  const data = dataOf(options.data);
  const { annotations, dataset, split, difficult } = options;
  const elsewhere = options.valAnnotations !== undefined || options.valData !== undefined;
  const splits = { ...(split === undefined ? {} : { train: split }), ...(elsewhere ? {} : validationSplit(options)) };
  const located = await findSources(data, { dataset, annotations, splits });
  const training = located.train ?? located.whole;
  if (training === undefined) {
    throw new UsageError(`${data}: only validation pictures were found; name the training pictures with --annotations`);
  }
  const validation = await validationOf(options, data, located.val);
  report.note(`training pictures: ${describeSource(training)}`);
  if (validation === undefined && options.inspect !== true) {
    report.warn(
      "no validation pictures (--val-annotations): no mAP, and the last weights are kept instead of the best",
    );
  }
  if (validation !== undefined) report.note(`validation pictures: ${describeSource(validation)}`);
  const named = "split" in training && training.split !== undefined ? { split: training.split } : {};
  const doubtful = training.kind === "voc" ? { difficult } : {};
  return { training, validation, description: { kind: training.kind, ...named, ...doubtful } };
}

/** --val-annotations, else what is found in --val-data, else what was found in --data. */
async function validationOf(
  options: TrainOptions,
  data: string,
  located: DatasetSource | undefined,
): Promise<DatasetSource | undefined> {
  const { dataset, valAnnotations, valData } = options;
  const splits = validationSplit(options);
  if (valAnnotations !== undefined) {
    const pictures = located?.kind === "coco" ? located.pictures : data;
    const { val, whole, train } = await annotatedSources(valData ?? pictures, valAnnotations, { dataset, splits });
    return val ?? whole ?? train;
  }
  if (valData === undefined) return located;
  const { val, whole } = await locateSources(valData, dataset, splits);
  const found = val ?? whole;
  if (found === undefined) throw new UsageError("--val-data needs --val-annotations FILE");
  return found;
}

const validationSplit = ({ valSplit }: TrainOptions) => (valSplit === undefined ? {} : { val: valSplit });

function dataOf(data: string): string {
  try {
    return existingData(data);
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
  const source = ({ pictures, annotations }: EmojiScenes): DatasetSource => ({ kind: "coco", pictures, annotations });
  return {
    training: source(training),
    validation: source(validation),
    description: { kind: EMOJI, trainingHash: training.hash, validationHash: validation.hash },
  };
}
