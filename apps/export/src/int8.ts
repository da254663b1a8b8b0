import { type CommandContext, expandPictures, formatTable, type OpenedModel, type Reporter, UsageError } from "asl-cli";
import { createLoader, type Dataset } from "asl-data";
import { type CalibrationMethod, calibrationPasses, type QuantizationReport, type WeightBits } from "asl-onnx";
import { fewInThisThread } from "./loader-threads.js";
import { type MeasuredMap, measureMap } from "./measure-map.js";

export interface Int8Options {
  readonly int8?: true | undefined;
  /** Folder of calibration pictures. */
  readonly calibrate?: string | undefined;
  readonly calibrateCount: number;
  readonly calibration: CalibrationMethod;
  readonly weightBits: WeightBits;
  readonly biasCorrection: boolean;
  readonly maxError: number;
  readonly annotations?: string | undefined;
  readonly batch: number | "dynamic";
}

export interface Int8Export {
  readonly bytes: Uint8Array;
  readonly report: QuantizationReport;
  /** Where there are annotations. */
  readonly mAP: MeasuredMap | undefined;
}

/** Calibration pictures; undefined without --int8. Throws UsageError for options that do not go together. */
export async function calibrationPictures(
  options: Int8Options,
  model: Pick<OpenedModel, "numerics">,
): Promise<readonly string[] | undefined> {
  const { int8, calibrate: folder, calibrateCount, batch } = options;
  if (int8 !== true) {
    if (folder === undefined && options.annotations === undefined) return undefined;
    throw new UsageError("--calibrate and --annotations go with --int8");
  }
  if (folder === undefined) {
    throw new UsageError("--int8 needs pictures to find the ranges of the activations: --calibrate DIR");
  }
  if (model.numerics === "exact") {
    throw new UsageError("--int8 goes without --numerics exact: a quantised network has the bits of no other");
  }
  const { files, problems } = await expandPictures([folder]);
  if (problems[0] !== undefined) throw new UsageError(`--calibrate ${problems[0]}`);
  const chosen = spread(files, calibrateCount);
  if (batch !== "dynamic" && chosen.length < batch) {
    throw new UsageError(
      `--calibrate ${folder}: ${chosen.length} pictures do not fill a batch of ${batch}; give more, or --batch dynamic`,
    );
  }
  return chosen;
}

/** At most `count`, at equal distances: folders are often sorted by class. */
function spread(files: readonly string[], count: number): readonly string[] {
  if (files.length <= count) return files;
  return Array.from({ length: count }, (_, index) => files[Math.floor((index * files.length) / count)]!);
}

/** Quantises the float file; measures mAP before and after where there are annotations. */
export async function exportInt8(
  float: Uint8Array,
  model: OpenedModel,
  files: readonly string[],
  options: Int8Options,
  context: CommandContext,
): Promise<Int8Export> {
  const { report, signal } = context;
  const { calibration: method, weightBits, biasCorrection, maxError, annotations, calibrate: folder } = options;
  // one picture at a time takes the least memory: the values of all layers are kept
  const batchSize = options.batch === "dynamic" ? 1 : options.batch;
  const items = files.map((file) => ({ name: file, file, labels: [] }));
  const bars = new Bars(report, files.length * calibrationPasses(method));
  const { quantizeOnnxNode } = await import("asl-onnx/node");
  try {
    const pictures = () => batches({ classes: model.classNames, items }, model, batchSize, context);
    const quantized = await quantizeOnnxNode(float, {
      ...{ pictures, method, weightBits, biasCorrection, maxError, signal },
      onProgress: (progress) =>
        progress.stage === "calibrate" ? bars.calibrated(progress.done) : bars.measured(progress.done, progress.total),
    });
    bars.stop();
    const mAP =
      annotations === undefined || folder === undefined
        ? undefined
        : await measureMap({ float, int8: quantized.bytes, model, folder, annotations, batchSize }, context);
    return { ...quantized, mAP };
  } finally {
    bars.stop();
  }
}

/** Whole batches of the model's input. */
async function* batches(
  dataset: Dataset,
  { imageSize, resizeFilter: filter }: OpenedModel,
  batchSize: number,
  { report, signal }: CommandContext,
) {
  await using loader = createLoader(dataset, {
    ...{ imageSize, batchSize, filter, signal, lastBatch: "drop", onCorrupt: "skip" },
    ...fewInThisThread(dataset),
    onSkip: ({ error }) => report.warn(`${error.message}; left out`),
  });
  for await (const { images, names } of loader.epoch(0)) {
    if (names.length === batchSize) yield { images };
  }
}

/** A bar for the pictures, then one for the models that are measured. */
class Bars {
  #calibrate: ReturnType<Reporter["progress"]> | undefined;
  #measure: ReturnType<Reporter["progress"]> | undefined;

  constructor(
    private readonly report: Reporter,
    private readonly pictures: number,
  ) {}

  calibrated(done: number): void {
    this.#calibrate ??= this.report.progress({ label: "calibrate", total: this.pictures, unit: "images" });
    this.#calibrate.update(done);
  }

  measured(done: number, total: number): void {
    this.#calibrate?.stop();
    this.#calibrate = undefined;
    this.#measure ??= this.report.progress({ label: "measure layers", total, unit: "models" });
    this.#measure.update(done);
  }

  stop(): void {
    this.#calibrate?.stop();
    this.#measure?.stop();
    this.#calibrate = this.#measure = undefined;
  }
}

export function int8AsText({ report, mAP }: Int8Export): string {
  const { layers, pictures, errorPictures, method, weightBits, error, errorOfAll, maxError } = report;
  const float = layers.filter(({ kept }) => kept === "float32").length;
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  const rows = layers.map(({ name, shape, weightError, outputError, kept }) => [
    ...[name, shape.join(" x "), percent(weightError), percent(outputError), kept],
  ]);
  return [
    `int8: ${layers.length - float} of ${layers.length} layers (${method} over ${pictures} pictures, ${weightBits}-bit weights); ` +
      `error of the logits ${percent(error)} on ${errorPictures} pictures, ${percent(errorOfAll)} with every layer ` +
      `(--max-error ${maxError})`,
    formatTable(["layer", "weights", "weight error", "logit error alone", "kept"], rows, [2, 3]),
    ...(mAP === undefined
      ? []
      : [
          `mAP ${mAP.float32.toFixed(2)} in float32, ${mAP.int8.toFixed(2)} in int8 ` +
            `(${mAP.pictures} annotated pictures)`,
        ]),
  ].join("\n");
}
