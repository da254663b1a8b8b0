import type { TresnetArchitecture } from "asl-checkpoint";
import type { OpenedModel } from "asl-cli";
import { type Backend, createRandom, f32, sizeOf, type TensorData } from "asl-core";
import { toTensor } from "asl-data";
import type { ByteTensor, OnnxModelSession } from "asl-onnx";
import { openPredictor } from "asl-training";

/** How far a file's logits, or scores where it makes them itself, are from the session's at one batch size. */
export interface Agreement {
  readonly batch: number;
  /** Largest absolute difference of a logit or score. */
  readonly maxError: number;
  /** What it may be. */
  readonly bound: number;
  /** Largest magnitude of a logit. */
  readonly largestLogit: number;
}

/** Batch sizes that a file with a symbolic batch is checked at. */
export const CHECKED_BATCHES = [1, 2, 7] as const;

const UNIT_ROUNDOFF = { f32: 2 ** -24, f16: 2 ** -11 } as const;

/**
 * File and session compute the same function of the same f32 weights; the file has batch normalisation folded into the
 * convolutions, which rounds the weights once more, and sums in another order. With u = 2^-24, L the largest logit and D
 * convolutions and products in a row, a few roundings by each that add up but do not grow:
 *   |difference| <= 4 D u max(1, L)
 * A worst case would grow exponentially with D and allow anything. Measured: 0.05 to 0.1 of this; a wrong weight, a
 * wrong epsilon or a wrong padding is 100 times this and more.
 *
 * A file in float16 rounds each weight and each value to u = 2^-11. So many roundings of either sign are far from adding
 * up in one direction; what they may sum to grows with the root of their number:
 *   |difference| <= 4 sqrt(D) u max(1, L)
 * Measured: 0.004 to 0.08 of this. It says whether half precision will do; mistakes of the export show in float32.
 */
export function agreementBound(depth: number, largestLogit: number, precision: "f32" | "f16" = "f32"): number {
  const roundings = precision === "f32" ? depth : Math.sqrt(depth);
  return 4 * roundings * UNIT_ROUNDOFF[precision] * Math.max(1, largestLogit);
}

export interface AgreementOptions {
  readonly model: OpenedModel;
  readonly backend: Backend;
  readonly file: OnnxModelSession;
  readonly imageSize: number;
  readonly batches: readonly number[];
  /** In which the file computes; default f32. */
  readonly precision?: "f32" | "f16";
  readonly signal: AbortSignal;
}

/**
 * Of scores: the sigmoid's slope is 1/4 at most, and e^-|x|, a sum and a quotient round to f32 by a few 2^-24 of numbers
 * up to 2.
 */
export const scoreBound = (logitBound: number): number => logitBound / 4 + 8 * 2 ** -24;

/** Runs file and session on the same random pictures, once for each batch size. */
export async function measureAgreement(options: AgreementOptions): Promise<readonly Agreement[]> {
  const { model, backend, file, imageSize, batches, signal } = options;
  const depth = convolutionDepth(model.architecture);
  const results: Agreement[] = [];
  for (const batch of batches) {
    signal.throwIfAborted();
    const { pictures, images } = samePictures(batch, imageSize);
    const { state, classNames } = model;
    await using predictor = await openPredictor({
      ...{ backend, model: model.model, state, classNames, imageSize, batchSize: batch },
    });
    const { logits, scores } = await predictor.predict(images);
    const makesScores = file.outputs.scores !== undefined;
    const found = await file.run({ images: makesScores ? pictures : images });
    const maxError = largestDifference(
      ...(makesScores ? ([scores, found.scores!] as const) : ([logits, found.logits!] as const)),
    );
    const largestLogit = Math.max(...Array.from(logits, Math.abs));
    // exact numerics: the same bits in file and session
    const ofLogits = model.numerics === "exact" ? 0 : agreementBound(depth, largestLogit, options.precision);
    const bound = makesScores ? scoreBound(ofLogits) : ofLogits;
    results.push({ batch, maxError, bound, largestLogit });
  }
  return results;
}

/** Convolutions and matrix products on the longest way through the network: stem, blocks, head. */
export function convolutionDepth({ blocks, stages, bottleneckHead }: TresnetArchitecture): number {
  const perBlock = { basic: 2, bottleneck: 3 } as const;
  // squeeze-excite lies on the way of the first three stages: two more products each
  const inBlocks = blocks.reduce(
    (sum, count, stage) => sum + count * (perBlock[stages[stage]!] + (stage < 3 ? 2 : 0)),
    0,
  );
  return 1 + inBlocks + (bottleneckHead === false ? 1 : 2);
}

/** NaN where one is. */
export function largestDifference(expected: ArrayLike<number>, { data }: TensorData): number {
  return Array.from(expected).reduce((largest, value, index) => Math.max(largest, Math.abs(value - data[index]!)), 0);
}

/** The same random pictures as bytes and as tensors. */
export function samePictures(batch: number, imageSize: number): { pictures: ByteTensor; images: TensorData } {
  const pictures = randomPictures(batch, imageSize);
  return { pictures, images: toTensors(pictures) };
}

/** Uniform noise in bytes [batch,S,S,3], the same on every run. */
function randomPictures(batch: number, imageSize: number): ByteTensor {
  const random = createRandom(0, `pictures ${batch}`);
  const shape = [batch, imageSize, imageSize, 3];
  const data = Uint8Array.from({ length: sizeOf(shape) }, () => random.uniform() * 256);
  return { type: { dtype: "u8", shape }, data };
}

/** u8[batch,S,S,3] -> f32[batch,3,S,S], value / 255. */
function toTensors({ type: { shape }, data }: ByteTensor): TensorData {
  const [batch, size] = [shape[0]!, shape[1]!];
  const picture = 3 * size * size;
  const pixels = new Float32Array(data.length);
  for (let each = 0; each < batch; each++) {
    const bytes = data.subarray(each * picture, (each + 1) * picture);
    toTensor({ width: size, height: size, data: bytes }, pixels.subarray(each * picture, (each + 1) * picture));
  }
  return f32([batch, 3, size, size], pixels);
}
