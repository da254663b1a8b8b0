import { InvalidArgumentError } from "@commander-js/extra-typings";
import {
  type ArgumentParser,
  type CommandContext,
  cacheDirOption,
  checkPlaceOf,
  checkPlaceOfFolder,
  createCommand,
  EXIT,
  existingFile,
  existingFolder,
  imageSize,
  mirrorOption,
  nonNegativeNumber,
  numericsOption,
  offlineOption,
  oneOf,
  openModel,
  positiveInteger,
  resolveModel,
  type SharedOptions,
  versionOf,
  writeFileAtomically,
  type ZooOptions,
} from "asl-cli";
import { CALIBRATION_METHODS, type WeightBits } from "asl-onnx";
import { buildOnnx, halved, preprocessed } from "./build-onnx.js";
import { checkCombination, FORMATS, formatOf, type OutputOptions } from "./combinations.js";
import { exportSafetensors } from "./export-safetensors.js";
import { calibrationPictures, exportInt8, type Int8Export } from "./int8.js";
import { summaryAsJson, summaryAsText } from "./summary.js";
import { modelFileIn, TARGETS, takesPictures, writeTarget } from "./target/target.js";
import { verifyQuantized, verifyWithSession } from "./verify.js";

/** "dynamic" or a number from 1 on. */
const batchSize: ArgumentParser<number | "dynamic"> = (text) => {
  if (text === "dynamic") return text;
  try {
    return positiveInteger(text);
  } catch {
    throw new InvalidArgumentError(`Expected "dynamic" or a whole number from 1 on; got "${text}".`);
  }
};

const weightBits: ArgumentParser<WeightBits> = (text) => (oneOf(["7", "8"] as const)(text) === "7" ? 7 : 8);

export interface ExportOptions extends SharedOptions, ZooOptions, OutputOptions {
  readonly model: string;
  readonly imageSize?: number | undefined;
  readonly weights?: "regular" | "ema" | undefined;
  readonly json?: true | undefined;
}

export const exportCommand = () =>
  createCommand({
    name: "asl-export",
    version: versionOf(import.meta.url),
    description:
      "Export a checkpoint as an ONNX file for inference, with class names, thresholds, image size, resize filter and " +
      "training recipe in its metadata. The file's outputs are compared with those of the session before it is written. " +
      "Or as safetensors for PyTorch, in the names of the official implementation or of timm.",
    examples: [
      "asl-export --model run/best-ema.safetensors --out model.onnx",
      "asl-export --model tresnet_m.pth --image-size 224 --batch 1 --out model.onnx",
      "asl-export --model run/best-ema.safetensors --with-preprocess --out tagger.onnx",
      "asl-export --model run/best-ema.safetensors --fp16 --out model-fp16.onnx",
      "asl-export --model run/best-ema.safetensors --format safetensors --names timm --out timm.safetensors",
      "asl-export --model run/best-ema.safetensors --int8 --calibrate photos --out model-int8.onnx",
      "asl-export --model tresnet_m.pth --int8 --calibrate val2017 --annotations instances_val2017.json --out model-int8.onnx",
      "asl-export --model run/best-ema.safetensors --target web --out site",
      "asl-export --model run/best-ema.safetensors --target triton --with-preprocess --out model-repository/tagger",
    ],
  })
    .requiredOption("--model <file>", "a checkpoint (.pth, .safetensors), or a published model's name")
    .addOption(cacheDirOption())
    .addOption(offlineOption())
    .addOption(mirrorOption())
    .requiredOption("--out <place>", "the file to write, with --target the folder; the folder around it must be there")
    .option(
      "--target <kind>",
      "a folder with all that a deployment needs, with --with-preprocess: web (a static page), node (a module); " +
        "or triton (a model of its model repository, called as the folder)",
      oneOf(TARGETS),
    )
    .option(
      "--format <kind>",
      "onnx or safetensors; default: safetensors where the file's name ends so, else onnx",
      oneOf(FORMATS),
    )
    .option("--names <kind>", "of a safetensors file: official (default) or timm", oneOf(["official", "timm"] as const))
    .option(
      "--batch <size>",
      "rows of the input: a number, or dynamic for any",
      batchSize,
      "dynamic" as number | "dynamic",
    )
    .option("--image-size <pixels>", "side of the square pictures; default: what the checkpoint says", imageSize)
    .option(
      "--weights <kind>",
      "which weights, where a file holds both: regular or ema",
      oneOf(["regular", "ema"] as const),
    )
    .addOption(numericsOption("the network in the file"))
    .option("--fp16", "weights and graph in float16, for runtimes on GPUs; inputs and outputs stay float32")
    .option(
      "--with-preprocess",
      "resize, scaling, sigmoid and thresholds in the graph: uint8 pictures in, scores and labels out",
    )
    .option("--no-verify", "write the file without comparing its outputs with the session's")
    .option("--int8", "quantise: int8 weights, uint8 activations (QDQ); sensitive layers stay in float32")
    .option("--calibrate <folder>", "of pictures such as the model will see, for the ranges of --int8", existingFolder)
    .option(
      "--calibrate-count <pictures>",
      "most pictures of --calibrate, spread over it; default: 256",
      positiveInteger,
    )
    .option(
      "--calibration <method>",
      "of the ranges: minmax (default), percentile (all but 0.005 % at either end) or mse (least squared error)",
      oneOf(CALIBRATION_METHODS),
    )
    .option(
      "--weight-bits <bits>",
      "of --int8: 7 (default) gives the same on every processor; 8 is more accurate, but sums may overflow on x86 " +
        "without VNNI",
      weightBits,
    )
    .option("--no-bias-correction", "with --int8: leave the shift that rounded weights bring")
    .option(
      "--max-error <share>",
      "relative error of the logits up to which layers are quantised, the others stay in float32; default: 0.05",
      nonNegativeNumber,
    )
    .option(
      "--annotations <file>",
      "of the pictures of --calibrate (COCO JSON, CSV): mAP before and after --int8",
      existingFile,
    )
    .option("--json", "one JSON object about the file instead of text");

/** Exports; throws AslError when the file disagrees with the session or cannot be written. */
export async function exportModel(options: ExportOptions, { report, signal }: CommandContext): Promise<number> {
  checkCombination(options);
  const { out, target, batch } = options;
  await (target === undefined ? checkPlaceOf(out) : checkPlaceOfFolder(out));
  const { file, published } = await resolveModel(options.model, options, { report, signal });
  const size = options.imageSize ?? published?.imageSize;
  const model = await openModel(file, {
    ...(options.weights === undefined ? {} : { weights: options.weights }),
    ...(size === undefined ? {} : { imageSize: size }),
    ...(options.numerics === undefined ? {} : { numerics: options.numerics }),
  });
  for (const note of model.notes) report.note(note);
  if (formatOf(options) === "safetensors") {
    const { names = "official", weights = "regular", json = false } = options;
    return exportSafetensors(model, { out, names, weights, json }, { report });
  }
  const withPreprocess = options.withPreprocess === true || takesPictures(target);
  const calibration = await calibrationPictures(options);
  const float = buildOnnx(model, batch);
  const finished = (bytes: Uint8Array) => (withPreprocess ? preprocessed(bytes, model) : bytes);
  const verification = { model, batch, out, signal };
  const losesPrecision = options.fp16 === true || calibration !== undefined;
  let bytes = losesPrecision ? float : finished(float);
  // a mistake of the export shows here, before precision is lost
  let checks = options.verify ? await verifyWithSession(bytes, "f32", verification) : [];
  let int8: Int8Export | undefined;
  if (options.fp16 === true) {
    bytes = finished(halved(float));
    if (options.verify) checks = await verifyWithSession(bytes, "f16", verification);
  } else if (calibration !== undefined) {
    int8 = await exportInt8(float, model, calibration, options, { report, signal });
    bytes = finished(int8.bytes);
    if (options.verify) await verifyQuantized(bytes, int8.bytes, verification);
  }
  signal.throwIfAborted();
  let files: readonly string[] | undefined;
  if (target === undefined) await writeFileAtomically(out, bytes);
  else files = await writeTarget(out, target, bytes, model);

  const exported = { model, options, file: target === undefined ? out : modelFileIn(out, target), files };
  const result = { ...exported, bytes: bytes.length, withPreprocess, checks, int8 };
  if (options.json === true) report.printJson(summaryAsJson(result));
  else report.print(summaryAsText(result));
  return EXIT.ok;
}
