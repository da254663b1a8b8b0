import { InputError } from "asl-core";
import { floatsOf } from "../proto/tensors.js";
import { type QuantizedWeights, quantizeWeights, type WeightBits } from "./scales.js";
import type { Layer } from "./topology.js";

/** A bias is at most this many steps: half of what an int32 holds is left to the sum. */
const LARGEST_BIAS = 2 ** 30;

/**
 * A layer's weights as they are in the file. `inputScale` is the step of its input: a bias is counted in products of
 * that and of the weights' step, which must be large enough for an int32.
 */
export function layerWeights({ kernel, bias }: Layer, inputScale: number, bits: WeightBits): QuantizedWeights {
  const least = bias && Float64Array.from(floatsOf(bias), (offset) => Math.abs(offset) / (inputScale * LARGEST_BIAS));
  return quantizeWeights(floatsOf(kernel), kernel.dims[0]!, bits, least);
}

/**
 * How far the rounding of the weights moves the mean of each output channel (Nagel et al. 2019, section 4.2):
 *   E[y~] - E[y] = sum over inputs (w~ - w) E[x]
 * means: E[x] of each channel over pictures and places; a border of zeros is left out of account. Where a Reshape has
 * made several inputs of each channel, they share its mean. Throws InputError where inputs are no whole number for each.
 */
export function biasCorrection(
  { name, kernel, group }: Pick<Layer, "name" | "kernel" | "group">,
  { values, scales }: QuantizedWeights,
  means: ArrayLike<number>,
): Float64Array {
  const weights = floatsOf(kernel);
  const [channels = 1, perGroup = 1, ...spatial] = kernel.dims;
  const taps = spatial.reduce((a, b) => a * b, 1);
  const inputs = group * perGroup;
  const perMean = inputs / means.length;
  if (!Number.isInteger(perMean)) {
    throw new InputError(
      `quantize: ${name} has ${inputs} inputs, and what they come from has ${means.length} channels, ` +
        "whose means correct no bias; set biasCorrection: false",
    );
  }
  const correction = new Float64Array(channels);
  for (let channel = 0, i = 0; channel < channels; channel++) {
    const first = Math.floor((channel * group) / channels) * perGroup;
    for (let input = first; input < first + perGroup; input++) {
      const mean = means[Math.floor(input / perMean)]!;
      for (let tap = 0; tap < taps; tap++, i++) {
        correction[channel]! += (scales[channel]! * values[i]! - weights[i]!) * mean;
      }
    }
  }
  return correction;
}
