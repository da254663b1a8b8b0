import {
  type CommandContext,
  expandPictures,
  fewInThisThread,
  formatTable,
  type OpenedModel,
  type Reporter,
  UsageError,
} from "asl-cli";
import { createLoader, type Dataset } from "asl-data";
import { type CalibrationMethod, calibrationPasses, type QuantizationReport, type WeightBits } from "asl-onnx";
import { type MeasuredMap, measureMap } from "./measure-map.js";

export interface Int8Options {
  readonly int8?: true | undefined;
  /** Folder of calibration pictures. */
  readonly calibrate?: string | undefined;
  /** Default 256. */
  readonly calibrateCount?: number | undefined;
  /** Default "minmax". */
  readonly calibration?: CalibrationMethod | undefined;
  /** Default 7. */
  readonly weightBits?: WeightBits | undefined;
  readonly biasCorrection: boolean;
  /** Default 0.05. */
  readonly maxError?: number | undefined;
  readonly annotations?: string | undefined;
  readonly batch: number | "dynamic";
}

export interface Int8Export {
  readonly bytes: Uint8Array;
  readonly report: QuantizationReport;
  /** Where there are annotations. */
  readonly mAP: MeasuredMap | undefined;
}

const MOST_PICTURES = 256;

/** Calibration pictures, any first few of them spread over the folder; undefined without --int8. */
export async function calibrationPictures(options: Int8Options): Promise<readonly string[] | undefined> {
  const { int8, calibrate: folder, calibrateCount = MOST_PICTURES, batch } = options;
  if (int8 !== true || folder === undefined) return undefined;
  const { files, problems } = await expandPictures([folder]);
  if (problems[0] !== undefined) throw new UsageError(`--calibrate ${problems[0]}`);
  const chosen = spread(files).slice(0, calibrateCount);
  if (batch !== "dynamic" && chosen.length < batch) {
    throw new UsageError(
      `--calibrate ${folder}: ${chosen.length} pictures do not fill a batch of ${batch}; give more, or --batch dynamic`,
    );
  }
  return chosen;
}

/**
 * In an order of which every beginning lies evenly over the whole, the first 2^k at equal distances (van der Corput's
 * sequence): folders are often sorted by class, and errors are measured on the first few pictures.
 */
export function spread<T>(files: readonly T[]): readonly T[] {
  const bits = Math.ceil(Math.log2(Math.max(1, files.length)));
  const places = Array.from({ length: 2 ** bits }, (_, index) => Math.floor(reversedFraction(index) * files.length));
  return [...new Set(places)].map((place) => files[place]!);
}

/** The binary digits of a whole number behind the point, the last one first: 1, 2, 3 -> 1/2, 1/4, 3/4. */
function reversedFraction(index: number): number {
  let fraction = 0;
  for (let digit = 0.5, rest = index; rest > 0; digit /= 2, rest = Math.floor(rest / 2)) fraction += digit * (rest % 2);
  return fraction;
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
  const { calibration: method = "minmax", weightBits, biasCorrection, maxError } = options;
  const { annotations, calibrate: folder } = options;
  // one picture at a time takes the least memory: the values of all layers are kept
  const batchSize = options.batch === "dynamic" ? 1 : options.batch;
  const items = files.map((file) => ({ name: file, file, labels: [] }));
  const bars = new Bars(report, files.length * calibrationPasses(method));
  const { quantizeOnnxNode } = await import("asl-onnx/node");
  try {
    const pictures = () => batches({ classes: model.classNames, items }, model, batchSize, context);
    const quantized = await quantizeOnnxNode(float, {
      ...{ pictures, method, biasCorrection, signal },
      ...(weightBits === undefined ? {} : { weightBits }),
      ...(maxError === undefined ? {} : { maxError }),
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
    ...[name, shape.join(" x "), percent(weightError), outputError === undefined ? "-" : percent(outputError), kept],
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
