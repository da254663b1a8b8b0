import { InputError, type Tensors } from "asl-core";
import { decodeModel } from "../proto/decode.js";
import { encodeModel } from "../proto/encode.js";
import type { ModelProto } from "../proto/messages.js";
import { floatsOf } from "../proto/tensors.js";
import { type OpenOptions, openOnnxModel } from "../runtime/open-model.js";
import { calibrate, passesOf, rowsOf } from "./calibrate.js";
import { layerWeights } from "./layer-weights.js";
import { quantizationsOf, quantizedValues } from "./placement.js";
import { CALIBRATION_METHODS, type CalibrationMethod } from "./ranges.js";
import { toQdq } from "./rewrite.js";
import type { WeightBits } from "./scales.js";
import { type LayerError, relativeError, selectFloatLayers } from "./sensitivity.js";
import { type Layer, Topology } from "./topology.js";

export interface QuantizeOptions extends OpenOptions {
  /**
   * Starts a pass over the calibration pictures as feeds of the model, the same at each call; batches of the size that
   * the model takes, without padding.
   */
  readonly pictures: () => AsyncIterable<Tensors>;
  /** Default "minmax". */
  readonly method?: CalibrationMethod;
  /** Default 7: the same numbers on every processor. 8 needs VNNI or ARM's dot products. */
  readonly weightBits?: WeightBits;
  /** Default true. */
  readonly biasCorrection?: boolean;
  /** Relative error of the outputs up to which layers are quantised. Default 0.05; Infinity: all of them. */
  readonly maxError?: number;
  /** So many of the first pictures are what errors are measured on: they should be like the whole. Default 16. */
  readonly errorPictures?: number;
  /** Default true. false measures no layer alone, a session for each: then none can stay in float32, `maxError` is Infinity. */
  readonly layerErrors?: boolean;
  readonly onProgress?: (progress: QuantizeProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Pictures calibrated so far, over all passes; then models measured, of `total` at most. */
export type QuantizeProgress =
  | { readonly stage: "calibrate"; readonly done: number }
  | { readonly stage: "measure"; readonly done: number; readonly total: number };

export interface QuantizedLayer {
  readonly name: string;
  readonly opType: Layer["opType"];
  /** Shape of the weights. */
  readonly shape: readonly number[];
  /** ||w~ - w|| / ||w||. */
  readonly weightError: number;
  /** Relative error of the model's outputs with this layer alone quantised; undefined where none was measured. */
  readonly outputError: number | undefined;
  readonly kept: "int8" | "float32";
}

export interface QuantizationReport {
  readonly method: CalibrationMethod;
  readonly weightBits: WeightBits;
  readonly biasCorrection: boolean;
  /** Pictures that the ranges come from. */
  readonly pictures: number;
  /** Pictures that the errors come from. */
  readonly errorPictures: number;
  /** Relative error of the outputs: with every layer quantised, and of the file. */
  readonly errorOfAll: number;
  readonly error: number;
  readonly maxError: number;
  /** In the order of the graph. */
  readonly layers: readonly QuantizedLayer[];
}

/**
 * Static quantisation of an `.onnx` file of `exportOnnx`: per-channel symmetric int8 weights, uint8 activations, in QDQ
 * form (QuantizeLinear, DequantizeLinear), which runtimes fuse into integer kernels. Inputs and outputs, metadata and
 * the symbolic batch stay as they are. Layers that cost the outputs too much stay in float32.
 * Throws InputError without pictures, without layers, for wrong options and for activations that are not finite.
 */
export async function quantizeOnnx(
  bytes: Uint8Array,
  options: QuantizeOptions,
): Promise<{ readonly bytes: Uint8Array; readonly report: QuantizationReport }> {
  const { pictures, onProgress = () => undefined, signal } = options;
  const { method, weightBits, maxError, biasCorrection, errorPictures, layerErrors } = checked(options);
  const model = decodeModel(bytes);
  const topology = new Topology(model.graph);
  const { layers } = topology;
  if (layers.length === 0) {
    throw new InputError(`quantize: "${model.graph.name}" has no convolution or fully connected layer`);
  }
  const all = new Set(layers.map(({ name }) => name));

  let calibrated = 0;
  const statistics = await calibrate({
    ...{ ...options, model, values: quantizedValues(topology, all), pictures, method, signal },
    onBatch: (rows) => {
      calibrated += rows;
      onProgress({ stage: "calibrate", done: calibrated });
    },
  });
  if (calibrated === 0) throw new InputError("quantize: there is no batch of calibration pictures");
  const ranges = new Map([...statistics].map(([value, each]) => [value, each.range(method)]));
  const quantizations = quantizationsOf(topology, ranges);
  const means = biasCorrection ? (value: string) => statistics.get(value)!.means : undefined;
  const quantized = (names: ReadonlySet<string>): ModelProto =>
    toQdq(model, { topology, layers: names, quantizations, weightBits, means });

  const batches = await firstBatches(pictures(), errorPictures);
  const expected = await outputsOf(bytes, batches, options);
  let measured = 0;
  // each alone, all together, none, and a bisection
  const total = layerErrors ? layers.length + 2 + Math.ceil(Math.log2(layers.length + 1)) : 1;
  const errorOf = async (names: ReadonlySet<string>): Promise<number> => {
    signal?.throwIfAborted();
    const error = relativeError(await outputsOf(encodeModel(quantized(names)), batches, options), expected);
    measured += 1;
    onProgress({ stage: "measure", done: measured, total });
    return error;
  };
  const errors: LayerError[] = [];
  if (layerErrors) for (const { name } of layers) errors.push({ name, error: await errorOf(new Set([name])) });
  const errorOfAll = await errorOf(all);
  const selection = await selectFloatLayers(errors, maxError, async (float) => {
    return float.length === 0 ? errorOfAll : await errorOf(without(all, float));
  });

  const float = new Set(selection.float);
  const report: QuantizationReport = {
    ...{ method, weightBits, biasCorrection, maxError, errorOfAll, error: selection.error },
    pictures: calibrated / passesOf(method),
    errorPictures: batches.reduce((sum, feeds) => sum + rowsOf(feeds), 0),
    layers: layers.map((layer, index) => ({
      name: layer.name,
      opType: layer.opType,
      shape: layer.kernel.dims,
      weightError: weightError(layer, quantizations.get(topology.source(layer.input))!.scale, weightBits),
      outputError: errors[index]?.error,
      kept: float.has(layer.name) ? "float32" : "int8",
    })),
  };
  return { bytes: encodeModel(described(quantized(without(all, selection.float)), report)), report };
}

function checked(options: QuantizeOptions) {
  const { method = "minmax", weightBits = 7, biasCorrection = true, maxError = 0.05, errorPictures = 16 } = options;
  const { layerErrors = true } = options;
  if (!CALIBRATION_METHODS.includes(method)) {
    throw new InputError(`quantize: method must be ${CALIBRATION_METHODS.join(", ")}; got ${String(method)}`);
  }
  if (weightBits !== 7 && weightBits !== 8) {
    throw new InputError(`quantize: weightBits must be 7 or 8; got ${String(weightBits)}`);
  }
  if (!(maxError >= 0)) throw new InputError(`quantize: maxError must be a number from 0 on; got ${maxError}`);
  if (!(Number.isInteger(errorPictures) && errorPictures >= 1)) {
    throw new InputError(`quantize: errorPictures must be a whole number from 1 on; got ${errorPictures}`);
  }
  if (!layerErrors && maxError !== Number.POSITIVE_INFINITY) {
    throw new InputError(
      `quantize: without layerErrors no layer can stay in float32: maxError must be Infinity; got ${maxError}`,
    );
  }
  return { method, weightBits, biasCorrection, maxError, errorPictures, layerErrors };
}

const without = (names: ReadonlySet<string>, some: readonly string[]): ReadonlySet<string> =>
  new Set([...names].filter((name) => !some.includes(name)));

/** Batches with at least `count` pictures together, if there are so many. */
async function firstBatches(pictures: AsyncIterable<Tensors>, count: number): Promise<readonly Tensors[]> {
  const batches: Tensors[] = [];
  let rows = 0;
  for await (const feeds of pictures) {
    batches.push(feeds);
    rows += rowsOf(feeds);
    if (rows >= count) break;
  }
  return batches;
}

/** All outputs of all batches. */
async function outputsOf(
  bytes: Uint8Array,
  batches: readonly Tensors[],
  options: OpenOptions,
): Promise<readonly ArrayLike<number>[]> {
  await using session = await openOnnxModel(bytes, options);
  const found: ArrayLike<number>[] = [];
  for (const feeds of batches) found.push(...Object.values(await session.run(feeds)).map(({ data }) => data));
  return found;
}

function weightError(layer: Layer, inputScale: number, bits: WeightBits): number {
  const weights = floatsOf(layer.kernel);
  const { values, scales } = layerWeights(layer, inputScale, bits);
  const size = weights.length / scales.length;
  const found = Float64Array.from(values, (value, i) => value * scales[Math.floor(i / size)]!);
  return relativeError([found], [weights]);
}

/** The file says how it was quantised; JSON has no infinity, so that `maxError` is null where any error was allowed. */
function described(model: ModelProto, report: QuantizationReport): ModelProto {
  const { layers, ...rest } = report;
  const float32 = layers.filter(({ kept }) => kept === "float32").map(({ name }) => name);
  const maxError = Number.isFinite(rest.maxError) ? rest.maxError : null;
  const value = JSON.stringify({ ...rest, maxError, layers: layers.length, float32 });
  return { ...model, metadataProps: [...(model.metadataProps ?? []), { key: "quantization", value }] };
}
