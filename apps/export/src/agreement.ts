import type { TresnetArchitecture } from "asl-checkpoint";
import type { OpenedModel } from "asl-cli";
import { type Backend, createRandom, f32, sizeOf, type TensorData } from "asl-core";
import type { OnnxModelSession } from "asl-onnx";
import { openPredictor } from "asl-training";

/** How far a file's logits are from the session's at one batch size. */
export interface Agreement {
  readonly batch: number;
  /** Largest absolute difference of a logit. */
  readonly maxError: number;
  /** What it may be. */
  readonly bound: number;
  /** Largest magnitude of a logit. */
  readonly largestLogit: number;
}

/** Batch sizes that a file with a symbolic batch is checked at. */
export const CHECKED_BATCHES = [1, 2, 7] as const;

/**
 * File and session compute the same function of the same f32 weights; the file has batch normalisation folded into the
 * convolutions, which rounds the weights once more, and sums in another order. With u = 2^-24, L the largest logit and D
 * convolutions and products in a row, a few roundings by each that add up but do not grow:
 *   |difference| <= 4 D u max(1, L)
 * A worst case would grow exponentially with D and allow anything. Measured: 0.05 to 0.1 of this; a wrong weight, a
 * wrong epsilon or a wrong padding is 100 times this and more.
 */
export function agreementBound(depth: number, largestLogit: number): number {
  return 4 * depth * 2 ** -24 * Math.max(1, largestLogit);
}

export interface AgreementOptions {
  readonly model: OpenedModel;
  readonly backend: Backend;
  readonly file: OnnxModelSession;
  readonly imageSize: number;
  readonly batches: readonly number[];
  readonly signal: AbortSignal;
}

/** Runs file and session on the same random pictures, once for each batch size. */
export async function measureAgreement(options: AgreementOptions): Promise<readonly Agreement[]> {
  const { model, backend, file, imageSize, batches, signal } = options;
  const depth = convolutionDepth(model.architecture);
  const results: Agreement[] = [];
  for (const batch of batches) {
    signal.throwIfAborted();
    const images = randomPictures(batch, imageSize);
    const { state, classNames } = model;
    await using predictor = await openPredictor({
      ...{ backend, model: model.model, state, classNames, imageSize, batchSize: batch },
    });
    const { logits: expected } = await predictor.predict(images);
    const { logits: found } = await file.run({ images });
    let maxError = 0;
    let largestLogit = 0;
    expected.forEach((value, index) => {
      maxError = Math.max(maxError, Math.abs(value - found!.data[index]!));
      largestLogit = Math.max(largestLogit, Math.abs(value));
    });
    // exact numerics: the same bits in file and session
    const bound = model.numerics === "exact" ? 0 : agreementBound(depth, largestLogit);
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

/** Uniform noise, the same on every run. */
function randomPictures(batch: number, imageSize: number): TensorData {
  const random = createRandom(0, `pictures ${batch}`);
  const shape = [batch, 3, imageSize, imageSize];
  return f32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()),
  );
}
