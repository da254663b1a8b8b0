import {
  aliasesOption,
  type Command,
  cacheDirOption,
  type createCommand,
  datasetKindOption,
  difficultOption,
  existingData,
  existingFile,
  mirrorOption,
  offlineOption,
  oneOf,
  positiveInteger,
  skipMissingOption,
} from "asl-cli";
import type { DatasetKind, VocDifficult } from "asl-data";
import { RECIPE_DEFAULTS } from "asl-training";

/** Which pictures to train on or to inspect, what their labels mean, where published models come from. Written out: the checker cannot infer this many options. */
export type DataOptions = {
  readonly quiet?: true | undefined;
  readonly debug?: true | undefined;
  readonly data: string;
  readonly dataset?: DatasetKind | undefined;
  readonly annotations?: string | undefined;
  readonly valAnnotations?: string | undefined;
  readonly valData?: string | undefined;
  readonly split?: string | undefined;
  readonly valSplit?: string | undefined;
  readonly classes?: string | undefined;
  readonly aliases?: string | undefined;
  readonly difficult: VocDifficult;
  readonly skipMissing?: true | undefined;
  readonly unannotated: "ignore" | "negative" | "selective";
  readonly dropUnannotated?: true | undefined;
  readonly skipCorrupt?: true | undefined;
  readonly scenes: number;
  readonly valScenes?: number | undefined;
  readonly emojiClasses: "20" | "80";
  readonly cacheDir?: string | undefined;
  readonly offline?: true | undefined;
  readonly mirror?: string | undefined;
  readonly inspect?: true | undefined;
  readonly decode: boolean;
  readonly html?: string | undefined;
};

export const withDataOptions = (command: ReturnType<typeof createCommand>): Command<[], DataOptions> =>
  command
    .requiredOption(
      "--data <folder>",
      'folder of the dataset or of training pictures, a CSV file, or "emoji": generated scenes of emoji',
    )
    .addOption(datasetKindOption())
    .option(
      "--annotations <file>",
      "COCO instances JSON, or CSV; default: where they usually are, seen from --data",
      existingFile,
    )
    .option("--val-annotations <file>", "the same for validation", existingFile)
    .option("--val-data <folder>", "folder of validation pictures; default: as --data", existingData)
    .option("--split <name>", "training split of the dataset; default: the usual one")
    .option("--val-split <name>", "validation split")
    .option(
      "--classes <file>",
      "classes and their order, one a line or a JSON array; default: the dataset's",
      existingFile,
    )
    .addOption(aliasesOption())
    .addOption(difficultOption())
    .addOption(skipMissingOption())
    .option(
      "--unannotated <meaning>",
      "of classes that nobody looked for on a picture: ignore (no loss), negative, or selective (likely ones ignored)",
      oneOf(["ignore", "negative", "selective"] as const),
      RECIPE_DEFAULTS.unannotated,
    )
    .option("--drop-unannotated", "leave out pictures without any annotation, as the official script does")
    .option("--skip-corrupt", "leave out pictures that cannot be decoded instead of stopping")
    .option("--scenes <count>", "with --data emoji: training scenes", positiveInteger, 4000)
    .option(
      "--val-scenes <count>",
      "with --data emoji: validation scenes; default: a fifth of --scenes",
      positiveInteger,
    )
    .option("--emoji-classes <count>", "with --data emoji: 20 or 80", oneOf(["20", "80"] as const), "20" as const)
    .addOption(cacheDirOption())
    .addOption(offlineOption())
    .addOption(mirrorOption())
    .option("--inspect", "describe the training pictures and their labels, suggest settings, and stop")
    .option("--no-decode", "with --inspect: do not decode the pictures")
    .option("--html <file>", "with --inspect: write it as a page, too");
