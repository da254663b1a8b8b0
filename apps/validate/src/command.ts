import {
  aliasesOption,
  backendOption,
  byteSize,
  cacheDirOption,
  calibrationGoal,
  createCommand,
  datasetKindOption,
  difficultOption,
  existingData,
  existingFile,
  fraction,
  imageSize,
  matrixShape,
  mirrorOption,
  modelArgument,
  numericsOption,
  offlineOption,
  oneOf,
  positiveInteger,
  skipMissingOption,
  threadCount,
  versionOf,
  wholeNumber,
} from "asl-cli";

/** The options of `asl-validate`. */
export const validateCommand = () =>
  createCommand({
    name: "asl-validate",
    version: versionOf(import.meta.url),
    description:
      "Measures a model on labelled pictures: mAP, precision, recall and F1 per class and over all, and the average " +
      "precision of every class. Or measures scores that were saved before.",
    examples: [
      "asl-validate --data coco/val2017 --annotations coco/annotations/instances_val2017.json --model best-ema.safetensors",
      "asl-validate --data coco --model tresnet_l.pth --image-size 448 --save-predictions scores.safetensors",
      "asl-validate --data VOC2007 --model coco.safetensors --aliases voc-coco --classes-shared",
      "asl-validate --predictions scores.safetensors --threshold 0.5 --json",
      "asl-validate --predictions scores.npz --scores-key sgmd --targets-key labels",
      "asl-validate --compare runs/a runs/b",
      "asl-validate --data photos --model best-ema.safetensors --report report.html",
      "asl-validate --data photos --model best-ema.safetensors --calibrate precision=0.9",
      "asl-validate --predictions scores.npy --targets labels.csv --pictures ids.txt --classes classes.txt --memory 1.5GiB",
    ],
  })
    .option("--data <folder>", "folder of the dataset or of the pictures, or a CSV file", existingData)
    .addOption(datasetKindOption())
    .option(
      "--annotations <file>",
      "COCO instances JSON, or CSV; default: where they usually are, seen from --data",
      existingFile,
    )
    .option("--split <name>", "split of the dataset; default: the validation split")
    .addOption(aliasesOption())
    .option("--classes-shared", "measure only the classes that model and annotations share")
    .addOption(difficultOption())
    .addOption(skipMissingOption())
    .option("--model <file>", "checkpoint (.pth, .safetensors), or a published model's name", modelArgument)
    .addOption(cacheDirOption())
    .addOption(offlineOption())
    .addOption(mirrorOption())
    .option("--weights <kind>", "of a .pth that holds both: regular or ema", oneOf(["regular", "ema"] as const))
    .option("--classes <file>", "names of the model's classes, one per line, if the checkpoint has none", existingFile)
    .option("--image-size <pixels>", "default: the checkpoint's, else 448", imageSize)
    .option("--batch-size <pictures>", "pictures per run of the network", positiveInteger, 16)
    .option("--threshold <score>", "a class counts as present above it; default: the checkpoint's, else 0.8", fraction)
    .option(
      "--predictions <file>",
      "measure these scores instead of running a network: of --save-predictions, or .npz",
      existingFile,
    )
    .option("--scores-key <name>", "the score matrix of an .npz, if it is not obvious")
    .option("--targets-key <name>", "the label matrix of an .npz, if it is not obvious")
    .option("--memory <size>", "read --predictions in blocks of classes and take no more memory: 1.5GiB", byteSize)
    .option("--targets <file>", "with --memory: targets in a file of their own (.npy, .npz, .csv)", existingFile)
    .option("--annotated <file>", "with --memory: a matrix that is 0 where nobody annotated", existingFile)
    .option("--pictures <file>", "with --memory: names of the rows, one per line, for a .csv of targets", existingFile)
    .option(
      "--unlisted <kind>",
      "with --memory: what pairs are that a .csv does not list; default: unannotated if it has a target column",
      oneOf(["negative", "unannotated"] as const),
    )
    .option("--shape <rows,classes>", "with --memory: --predictions are bare numbers of this shape", matrixShape)
    .option("--dtype <type>", "of the bare numbers: f32 or f16", oneOf(["f32", "f16"] as const), "f32" as const)
    .option(
      "--bootstrap [resamples]",
      "a 95 % interval of mAP from so many resamples of the pictures: 1000",
      positiveInteger,
    )
    .option("--bootstrap-seed <number>", "of the resamples", wholeNumber, 0)
    .option(
      "--compare <files...>",
      "two files of predictions or folders of runs, on the same pictures: is one better? (paired bootstrap)",
    )
    .option(
      "--calibrate <goal>",
      "choose a threshold for each class: f1 (the highest F1) or precision=0.9 (the most found at that precision), and " +
        "store them in the checkpoint; classes without positives get --threshold",
      calibrationGoal,
    )
    .option("--save-model <file>", "with --calibrate: write the checkpoint here instead of over --model")
    .option("--report <file>", "write a page of curves, histograms and the worst mistakes with their pictures (HTML)")
    .option("--save-predictions <file>", "write scores and targets (safetensors)")
    .option("--drop-unannotated", "leave out pictures without any annotation, as the official script does")
    .option("--skip-corrupt", "leave out pictures that cannot be decoded instead of stopping")
    .option("--workers <threads>", "threads that decode pictures; default: cores - 1, at most 4", wholeNumber)
    .addOption(backendOption())
    .addOption(numericsOption("the network"))
    .option("--threads <count>", "threads of the backend", threadCount)
    .option("--json", "print one JSON object instead of tables");

export type ValidateOptions = ReturnType<ReturnType<typeof validateCommand>["opts"]>;
