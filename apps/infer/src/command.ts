import { mkdir } from "node:fs/promises";
import {
  type BackendName,
  backendOption,
  byteSize,
  type CommandContext,
  cacheDirOption,
  createCommand,
  describeError,
  EXIT,
  expandPictures,
  fraction,
  imageSize,
  milliseconds,
  mirrorOption,
  type NumericsName,
  numericsOption,
  offlineOption,
  oneOf,
  portNumber,
  positiveInteger,
  publishedModelsText,
  readClassNames,
  resolveModel,
  type SharedOptions,
  UsageError,
  versionOf,
  type ZooOptions,
} from "asl-cli";
import { ZOO_MODELS } from "asl-zoo";
import type { Classifier } from "./classifier.js";
import { openClassifier } from "./open-classifier.js";
import { type ScoredPicture, scorePictures } from "./tag-pictures.js";
import { jsonLine, selectTags, textLines } from "./tags.js";

export interface InferOptions extends SharedOptions, ZooOptions {
  readonly model?: string | undefined;
  readonly listModels?: true | undefined;
  readonly imageSize?: number | undefined;
  readonly threshold?: number | undefined;
  readonly top?: number | undefined;
  readonly json?: true | undefined;
  readonly saveAnnotated?: string | undefined;
  readonly classes?: string | undefined;
  readonly weights?: "regular" | "ema" | undefined;
  readonly backend: BackendName;
  readonly numerics?: NumericsName | undefined;
  readonly batchSize: number;
  readonly serve?: number | undefined;
  /** These go with `serve`; their defaults are in SERVING. */
  readonly host?: string | undefined;
  readonly maxQueue?: number | undefined;
  readonly maxDelay?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxPixels?: number | undefined;
}

/** Of the options that go with --serve. No defaults of commander's, so that one that was given without it is seen. */
const SERVING = { host: "127.0.0.1", maxQueue: 64, maxDelay: 2, maxBytes: 20e6, maxPixels: 50e6 } as const;

const SERVING_FLAGS: Readonly<Record<keyof typeof SERVING, string>> = {
  host: "--host",
  maxQueue: "--max-queue",
  maxDelay: "--max-delay",
  maxBytes: "--max-bytes",
  maxPixels: "--max-pixels",
};

export const inferCommand = () =>
  createCommand({
    name: "asl-infer",
    version: versionOf(import.meta.url),
    description:
      "Tag pictures. A picture is a file, a folder (with its subfolders) or a quoted glob pattern. " +
      "A picture that cannot be read is named on stderr; the others are tagged, and the exit code is 1.",
    examples: [
      "asl-infer cat.jpg --model run/best.safetensors",
      "asl-infer photos 'more/**/*.png' --model model.onnx --json > tags.jsonl",
      "asl-infer --list-models",
      "asl-infer cat.jpg --model asl_tresnet_m_coco_224",
      "asl-infer photos --model tresnet_m.pth --classes names.txt --save-annotated tagged",
      "asl-infer --serve 8080 --model model.onnx",
    ],
  })
    .argument("[pictures...]", "files, folders, quoted glob patterns")
    .option(
      "--model <file>",
      "a checkpoint (.pth, .safetensors), an exported model (.onnx), or a published model's name",
    )
    .option("--list-models", "print the published models, with --json all that is known of them, and stop")
    .addOption(cacheDirOption())
    .addOption(offlineOption())
    .addOption(mirrorOption())
    .option(
      "--image-size <pixels>",
      "side of the square that pictures are squeezed to; default: what the model says",
      imageSize,
    )
    .option(
      "--threshold <score>",
      "tags have a higher score than this; default: what the model says, else 0.8",
      fraction,
    )
    .option("--top <count>", "at most so many tags a picture", positiveInteger)
    .option("--json", "one JSON object a line: image, labels, scores of all classes")
    .option("--save-annotated <folder>", "write a copy of each picture with its tags below it")
    .option("--classes <file>", "names of the classes: one a line, or a JSON array")
    .option(
      "--weights <kind>",
      "which weights, where a file holds both: regular or ema",
      oneOf(["regular", "ema"] as const),
    )
    .option("--batch-size <count>", "most pictures at a time", positiveInteger, 8)
    .addOption(backendOption())
    .addOption(numericsOption("the network of a checkpoint"))
    .option("--serve <port>", "answer over HTTP instead (0: any free port); /openapi.json describes it", portNumber)
    .option("--host <address>", "of the network that --serve listens on; 0.0.0.0: any; default: 127.0.0.1")
    .option(
      "--max-queue <count>",
      "with --serve: most requests under way, others get 503; default: 64",
      positiveInteger,
    )
    .option(
      "--max-delay <ms>",
      "with --serve: longest that a picture waits for others to make a batch; default: 2",
      milliseconds,
    )
    .option("--max-bytes <size>", 'with --serve: most bytes of a request; default: "20MB"', byteSize)
    .option("--max-pixels <count>", "with --serve: most pixels of a picture; default: 50000000", positiveInteger);

/** Tags all pictures and prints; returns exit code 1 when one of them could not be read or written. */
export async function infer(
  options: InferOptions,
  context: CommandContext,
  inputs: readonly string[],
): Promise<number> {
  performance.mark("asl:command");
  const { report, signal } = context;
  if (options.listModels === true) {
    if (options.json === true) report.printJson(ZOO_MODELS);
    else report.print(publishedModelsText());
    return EXIT.ok;
  }
  if (options.model === undefined) throw new UsageError("required option '--model <file>' not specified");
  if (options.serve !== undefined)
    return serveModel({ ...options, model: options.model, port: options.serve }, context, inputs);
  const stray = Object.entries(SERVING_FLAGS).flatMap(([name, flag]) =>
    options[name as keyof typeof SERVING] === undefined ? [] : [flag],
  );
  if (stray.length > 0) throw new UsageError(`${stray.join(", ")}: of a server; add --serve PORT, or leave it out`);
  if (inputs.length === 0) throw new UsageError("missing required argument 'pictures'");
  const { files, problems } = await expandPictures(inputs);
  for (const problem of problems) report.warn(problem);
  if (files.length === 0) return EXIT.failed;
  // loaded when asked for: drawing text and serving need large libraries
  const drawing = options.saveAnnotated === undefined ? undefined : await import("./annotated-picture.js");
  const targets = drawing?.annotatedFiles(files, options.saveAnnotated!);
  const batchSize = Math.min(options.batchSize, files.length);
  await using classifier = await openNamed({ ...options, model: options.model, batchSize }, context, files.length);
  if (options.saveAnnotated !== undefined) await mkdir(options.saveAnnotated, { recursive: true });

  const thresholds = thresholdsOf(classifier, options.threshold);
  let failed = 0;
  const fail = (message: string) => {
    failed += 1;
    report.warn(message);
  };
  const tag = async ({ file, scores }: ScoredPicture) => {
    const tags = selectTags(classifier.classNames, scores, { thresholds, top: options.top });
    const best = selectTags(classifier.classNames, scores, { thresholds: scores.map(() => -1), top: 1 })[0]!;
    report.print(
      options.json === true ? jsonLine(file, tags, classifier.classNames, scores) : textLines(file, tags, best),
    );
    const target = targets?.get(file);
    if (drawing === undefined || target === undefined) return;
    try {
      await drawing.writeAnnotated(file, tags, target);
    } catch (error) {
      fail(describeError(error));
    }
  };

  // on a terminal the results themselves show how far it is; a bar would be torn apart by them
  const progress =
    files.length > classifier.batchSize && !process.stdout.isTTY
      ? report.progress({ label: "tagging", total: files.length, unit: "images" })
      : undefined;
  try {
    let done = 0;
    const onSkip = ({ error }: { error: Error }) => {
      done += 1;
      fail(describeError(error));
    };
    for await (const batch of scorePictures(classifier, files, { onSkip, signal })) {
      signal.throwIfAborted();
      for (const picture of batch) await tag(picture);
      done += batch.length;
      progress?.update(done);
    }
  } finally {
    progress?.stop();
  }
  if (failed > 0 && files.length > 1) report.warn(`${failed} of ${files.length} pictures failed; see above`);
  return failed > 0 || problems.length > 0 ? EXIT.failed : EXIT.ok;
}

type NamedModel = InferOptions & { readonly model: string };

/** The classifier that the options ask for, with notes about it. */
async function openNamed(options: NamedModel, context: CommandContext, pictures?: number): Promise<Classifier> {
  const { weights, numerics, backend, batchSize } = options;
  const classNames = options.classes === undefined ? undefined : await readClassNames(options.classes);
  const { file, published } = await resolveModel(options.model, options, context);
  const imageSize = options.imageSize ?? published?.imageSize;
  const partialBatches = options.serve !== undefined;
  const known = pictures === undefined ? {} : { pictures };
  const opening = { weights, imageSize, numerics, classNames, backend, batchSize, partialBatches, ...known };
  const busy = context.report.busy(`opening ${file}`);
  const classifier = await openClassifier(file, opening).finally(() => busy.stop());
  for (const note of classifier.notes) context.report.note(note);
  context.report.note(thresholdNote(classifier, options));
  return classifier;
}

async function serveModel(
  options: NamedModel & { readonly port: number },
  context: CommandContext,
  inputs: readonly string[],
): Promise<number> {
  if (inputs.length > 0) throw new UsageError("--serve takes pictures over HTTP; leave the arguments out");
  for (const name of ["top", "json", "saveAnnotated"] as const) {
    if (options[name] !== undefined)
      throw new UsageError(`--${name === "saveAnnotated" ? "save-annotated" : name} does not go with --serve`);
  }
  await using classifier = await openNamed(options, context);
  const { host, maxQueue, maxDelay, maxBytes, maxPixels } = options;
  const { model, port } = options;
  const thresholds = thresholdsOf(classifier, options.threshold);
  const { serve } = await import("./serve/serve.js");
  return await serve(
    classifier,
    {
      ...{ model, port, thresholds, host: host ?? SERVING.host, maxQueue: maxQueue ?? SERVING.maxQueue },
      ...{ maxDelay: maxDelay ?? SERVING.maxDelay, maxBytes: maxBytes ?? SERVING.maxBytes },
      maxPixels: maxPixels ?? SERVING.maxPixels,
    },
    context,
  );
}

/** Which thresholds hold, in words. */
function thresholdNote({ thresholds, calibration }: Classifier, { threshold, model }: InferOptions): string {
  if (threshold !== undefined) return `threshold: ${threshold} for every class (--threshold)`;
  const what = typeof thresholds === "number" ? `${thresholds} for every class` : "one for each class";
  return `threshold: ${what}${calibration === undefined ? "" : `, calibrated for ${calibration}`} (${model})`;
}

function thresholdsOf({ classNames, thresholds }: Classifier, asked: number | undefined): readonly number[] {
  const chosen = asked ?? thresholds;
  return typeof chosen === "number" ? classNames.map(() => chosen) : chosen;
}
