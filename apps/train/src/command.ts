import {
  backendOption,
  createCommand,
  fraction,
  imageSize,
  modelArgument,
  nonNegativeNumber,
  numericsOption,
  oneOf,
  positiveInteger,
  positiveNumber,
  stageBlocks,
  threadCount,
  versionOf,
  wholeNumber,
} from "asl-cli";
import { TRESNETS, type TresnetVariant } from "asl-core";
import { RECIPE_DEFAULTS } from "asl-training";
import { isZooName, zooModel } from "asl-zoo";
import { augmentationSteps, randAugmentSettings } from "./augmentation-arguments.js";
import { withCraftOptions } from "./craft-options.js";
import { withDataOptions } from "./data-options.js";

const VARIANTS = Object.keys(TRESNETS) as readonly TresnetVariant[];
/** A variant by its name or by that of a published model: "tresnet_m.miil_in21k". */
const variantArgument = (text: string): TresnetVariant =>
  isZooName(text) ? zooModel(text).variant : oneOf(VARIANTS)(text);

const CACHES = ["auto", "memory", "none"] as const;

/** The options of `asl-train`. */
export const trainCommand = () =>
  withCraftOptions(
    withDataOptions(
      createCommand({
        name: "asl-train",
        version: versionOf(import.meta.url),
        description:
          "Trains a TResNet with the asymmetric loss on pictures with several labels each. The folder --out gets both best " +
          "checkpoints (regular weights and their moving average), metrics.csv, steps.csv, recipe.json, summary.json and a " +
          "snapshot. Ctrl-C finishes the step and saves; the same command with --resume goes on, bit for bit.",
        examples: [
          "asl-train --data emoji --blocks 2,2,2,1 --width 0.5 --image-size 64 --batch-size 64 --epochs 15 --lr 4e-3",
          "asl-train --data coco --model tresnet_l --weights tresnet_l_21k.pth --load-backbone --out runs/coco",
          "asl-train --data photos --annotations train.json --val-data photos --val-annotations val.json --resume",
          "asl-train --data VOCdevkit/VOC2007 --dataset voc --image-size 448",
          "asl-train --data photos/labels.csv --epochs 20",
          "asl-train --data photos --inspect --html photos.html",
          "asl-train --data coco --sweep 'gamma-neg=2,4;clip=0,0.05' --patience 3 --out runs/sweep",
        ],
      }),
    ),
  )
    .option(
      "--model <variant>",
      `${VARIANTS.join(", ")}, or that of a published model; default: that of --weights, else tresnet_m`,
      variantArgument,
    )
    .option("--blocks <counts>", 'blocks of the four stages, such as "2,2,2,1"; default: the variant\'s', stageBlocks)
    .option("--width <factor>", "planes / 64; default: the variant's", positiveNumber)
    .option("--head-features <count>", "bottleneck head with this many features (OpenImages: 512)", positiveInteger)
    .option(
      "--weights <file>",
      "checkpoint to start from: .pth, .safetensors, or a published model's name",
      modelArgument,
    )
    .option("--load-backbone", "take all of --weights but the head: for other classes")
    .option("--image-size <pixels>", "default: that of --weights, else 448 (emoji: 64)", imageSize)
    .option("--batch-size <pictures>", "pictures per step", positiveInteger, 128)
    .option("--epochs <count>", "epochs to train", positiveInteger, 40)
    .option("--schedule-epochs <count>", "epochs of the learning rate schedule; default: --epochs", positiveInteger)
    .option("--lr <rate>", "peak learning rate", positiveNumber, RECIPE_DEFAULTS.learningRate)
    .option("--weight-decay <factor>", "L2 coefficient", nonNegativeNumber, RECIPE_DEFAULTS.weightDecay)
    .option("--gamma-neg <power>", "focusing of negatives", nonNegativeNumber, RECIPE_DEFAULTS.gammaNeg)
    .option("--gamma-pos <power>", "focusing of positives", nonNegativeNumber, RECIPE_DEFAULTS.gammaPos)
    .option("--clip <margin>", "probability shift of negatives", fraction, RECIPE_DEFAULTS.clip)
    .option("--no-detach", "let the gradient pass through the focusing weight")
    .option(
      "--loss-numerics <kind>",
      "arithmetic of the loss: exact (from the same logits, the same bits on every backend) or native",
      oneOf(["exact", "native"] as const),
      RECIPE_DEFAULTS.lossNumerics,
    )
    .option("--ema-decay <factor>", "of the moving average of the weights", fraction, RECIPE_DEFAULTS.emaDecay)
    .option("--no-ema-warm-up", "start the moving average with its full memory")
    .option("--seed <number>", "of starting weights, order and augmentation", wholeNumber, RECIPE_DEFAULTS.seed)
    .option(
      "--augment <steps>",
      "random changes of training pictures, in this order: flip, cutout, rand-augment; or none",
      augmentationSteps,
      ["flip", "cutout"] as const,
    )
    .option("--no-augment", "train on the pictures as they are: --augment none")
    .option("--no-flip", "do not mirror pictures")
    .option("--cutout <fraction>", "part of each side that is covered; 0: nothing", fraction, 0.5)
    .option("--rand-augment <N,M>", "N operations at magnitude M (0 to 30) for each picture", randAugmentSettings)
    .option("--mixup <alpha>", "blend each picture and its targets with another one's", positiveNumber)
    .option("--cutmix <alpha>", "paste a rectangle of another picture into each one", positiveNumber)
    .option(
      "--cutmix-targets <kind>",
      "union: the classes of both pictures (default); mixed: weighted by area",
      oneOf(["union", "mixed"] as const),
    )
    .option("--preview-augment <file>", "write a page of augmented training pictures and stop")
    .option("--workers <threads>", "threads that decode pictures; default: cores - 1, at most 4", wholeNumber)
    .option(
      "--cache <where>",
      "keep decoded pictures: memory, none, or auto (memory if 1 GiB is enough)",
      oneOf(CACHES),
      "auto" as const,
    )
    .option("--snapshot-every <steps>", "steps between snapshots within an epoch", positiveInteger, 200)
    .option("--out <folder>", "folder of the run", "runs/train")
    .option("--no-report", "leave report.html out of the run's folder")
    .option("--resume", "go on from the snapshot in --out, if there is one")
    .addOption(backendOption())
    .addOption(numericsOption("the network that scores the validation pictures (the training step is native)"))
    .option("--threads <count>", "threads of the backend", threadCount)
    .option("--json", "print the summary as one JSON object");

export type TrainOptions = ReturnType<ReturnType<typeof trainCommand>["opts"]>;
