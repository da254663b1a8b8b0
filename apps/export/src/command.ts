import { InvalidArgumentError } from "@commander-js/extra-typings";
import {
  type ArgumentParser,
  type CommandContext,
  cacheDirOption,
  checkPlaceOf,
  createCommand,
  EXIT,
  existingFile,
  existingFolder,
  formatTable,
  imageSize,
  mirrorOption,
  nonNegativeNumber,
  numericsOption,
  offlineOption,
  oneOf,
  openBackend,
  openModel,
  positiveInteger,
  resolveModel,
  type SharedOptions,
  writeFileAtomically,
  type ZooOptions,
} from "asl-cli";
import { AslError } from "asl-core";
import { CALIBRATION_METHODS, type WeightBits } from "asl-onnx";
import { type Agreement, CHECKED_BATCHES, measureAgreement } from "./agreement.js";
import { buildOnnx, preprocessed } from "./build-onnx.js";
import { checkCombination, FORMATS, formatOf, type OutputOptions } from "./combinations.js";
import { exportSafetensors } from "./export-safetensors.js";
import { calibrationPictures, exportInt8, type Int8Options, int8AsText } from "./int8.js";

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

export interface ExportOptions extends SharedOptions, ZooOptions, OutputOptions, Int8Options {
  readonly model: string;
  readonly imageSize?: number | undefined;
  readonly weights?: "regular" | "ema" | undefined;
  readonly json?: true | undefined;
}

export const exportCommand = () =>
  createCommand({
    name: "asl-export",
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
    ],
  })
    .requiredOption("--model <file>", "a checkpoint (.pth, .safetensors), or a published model's name")
    .addOption(cacheDirOption())
    .addOption(offlineOption())
    .addOption(mirrorOption())
    .requiredOption("--out <file>", "the file to write; its folder must be there")
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
    .option("--calibrate-count <pictures>", "most pictures of --calibrate, spread over it", positiveInteger, 256)
    .option(
      "--calibration <method>",
      "of the ranges: minmax, percentile (all but 0.005 % at either end) or mse (least squared error)",
      oneOf(CALIBRATION_METHODS),
      "minmax" as const,
    )
    .option(
      "--weight-bits <bits>",
      "of --int8: 7 gives the same on every processor; 8 is more accurate, but sums may overflow on x86 without VNNI",
      weightBits,
      7 as const,
    )
    .option("--no-bias-correction", "with --int8: leave the shift that rounded weights bring")
    .option(
      "--max-error <share>",
      "relative error of the logits up to which layers are quantised; the others stay in float32",
      nonNegativeNumber,
      0.05,
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
  await checkPlaceOf(options.out);
  const { file, published } = await resolveModel(options.model, options, { report, signal });
  const size = options.imageSize ?? published?.imageSize;
  const model = await openModel(file, {
    ...(options.weights === undefined ? {} : { weights: options.weights }),
    ...(size === undefined ? {} : { imageSize: size }),
    ...(options.numerics === undefined ? {} : { numerics: options.numerics }),
  });
  for (const note of model.notes) report.note(note);
  if (formatOf(options) === "safetensors") {
    const { out, names = "official", weights = "regular", json = false } = options;
    return exportSafetensors(model, { out, names, weights, json }, { report });
  }
  const calibration = await calibrationPictures(options, model);
  const float = buildOnnx(model, options.batch, { float16: options.fp16 === true });
  const finished = (bytes: Uint8Array) => (options.withPreprocess === true ? preprocessed(bytes, model) : bytes);
  const agreements = options.verify ? await verify(model, finished(float), options, signal) : [];
  const int8 =
    calibration === undefined ? undefined : await exportInt8(float, model, calibration, options, { report, signal });
  const bytes = finished(int8?.bytes ?? float);
  signal.throwIfAborted();
  await writeFileAtomically(options.out, bytes);

  const maxError = Math.max(0, ...agreements.map((each) => each.maxError));
  const bound = Math.max(0, ...agreements.map((each) => each.bound));
  if (options.json === true) {
    const checked = options.verify
      ? { maxError, bound, checks: agreements }
      : { maxError: null, bound: null, checks: [] };
    report.printJson({
      file: options.out,
      bytes: bytes.length,
      batch: options.batch,
      imageSize: model.imageSize,
      numerics: model.numerics,
      precision: options.fp16 === true ? "f16" : int8 === undefined ? "f32" : "int8",
      ...checked,
      ...(int8 === undefined ? {} : { int8: int8.report, mAP: int8.mAP ?? null }),
    });
    return EXIT.ok;
  }
  const { imageSize: side, classNames } = model;
  const batch = options.batch === "dynamic" ? "batch" : options.batch;
  report.print(
    `${options.out}: ${(bytes.length / 1e6).toFixed(1)} MB, ` +
      (options.withPreprocess === true
        ? `images u8[${batch},height,width,3] -> scores and labels of ${classNames.length} classes`
        : `images f32[${batch},3,${side},${side}] -> logits of ${classNames.length} classes`),
  );
  const compared = int8 === undefined ? "compared" : "the float32 network, compared";
  if (!options.verify) report.print("not compared with the session (--no-verify)");
  else
    report.print(
      `${compared} with the session on random pictures, max error ${maxError.toExponential(2)}:\n${agreementTable(agreements)}`,
    );
  if (int8 !== undefined) report.print(int8AsText(int8));
  return EXIT.ok;
}

async function verify(
  model: Awaited<ReturnType<typeof openModel>>,
  bytes: Uint8Array,
  { out, batch, fp16 }: ExportOptions,
  signal: AbortSignal,
): Promise<readonly Agreement[]> {
  const { openOnnxModelNode } = await import("asl-onnx/node");
  await using file = await openOnnxModelNode(bytes);
  const backend = await openBackend("onnx");
  const batches = batch === "dynamic" ? CHECKED_BATCHES : [batch];
  const agreements = await measureAgreement({
    ...{ model, backend, file, imageSize: model.imageSize, batches, signal },
    precision: fp16 === true ? "f16" : "f32",
  });
  const worst = agreements.find(({ maxError, bound }) => !(maxError <= bound));
  if (worst === undefined) return agreements;
  throw new AslError(
    "ERR_ASL_EXPORT",
    `${out}: not written. At batch ${worst.batch} the exported model's outputs differ from the session's by ` +
      `${worst.maxError.toExponential(2)}, more than the bound of ${worst.bound.toExponential(2)}. This is a mistake in ` +
      "the export: please report it with the checkpoint. --no-verify writes the file all the same.",
  );
}

function agreementTable(agreements: readonly Agreement[]): string {
  const rows = agreements.map(({ batch, maxError, bound }) => [
    String(batch),
    maxError.toExponential(2),
    bound.toExponential(2),
    bound === 0 ? "same bits" : (maxError / bound).toFixed(3),
  ]);
  return formatTable(["batch", "max error", "bound", "error / bound"], rows, [0, 1, 2, 3]);
}
