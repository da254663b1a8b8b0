/** A closed interval of values. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** x = scale * (q - zeroPoint), q a uint8; scale is a float32. */
export interface Quantization {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Bits of a weight that are used. */
export type WeightBits = 7 | 8;

/**
 * Largest magnitude of a quantised weight. Processors without VNNI add two products of uint8 and int8 in 16 bits, where
 * 2 * 255 * 127 does not fit and is cut off without a word; 2 * 255 * 63 does. With 7 bits every processor gives the
 * same.
 */
export const WEIGHT_LEVELS: Readonly<Record<WeightBits, number>> = { 7: 63, 8: 127 };

const STEPS = 255;

/**
 * No scale is smaller; what is smaller becomes 0. A product of two, the scale of a bias, is then at least 2^-120: a normal
 * float32, which nothing flushes to 0 (below 2^-126 they are subnormal).
 */
const LEAST_SCALE = 2 ** -60;

/** The least float32 that is at least x > 0. */
function roundedUp(x: number): number {
  const nearest = Math.fround(x);
  if (nearest >= x) return nearest;
  const bits = new Uint32Array(Float32Array.of(nearest).buffer);
  bits[0]! += 1;
  return new Float32Array(bits.buffer)[0]!;
}

/**
 * The uint8 steps over a range that is widened to hold 0, which gets a step of its own (padding is 0):
 *   scale = (high - low) / 255, zeroPoint = round(-low / scale)
 * Every x of the range is at most scale / 2 from its step.
 */
export function activationQuantization({ low, high }: Range): Quantization {
  const bottom = Math.min(0, low);
  const scale = Math.max(LEAST_SCALE, roundedUp((Math.max(0, high) - bottom) / STEPS));
  return { scale, zeroPoint: Math.min(STEPS, Math.round((0 - bottom) / scale)) };
}

/** q = clamp(round(x / scale) + zeroPoint, 0, 255), halves to even as ONNX's QuantizeLinear. */
export function quantize(x: number, { scale, zeroPoint }: Quantization): number {
  return Math.min(STEPS, Math.max(0, roundHalfEven(x / scale) + zeroPoint));
}

export function dequantize(q: number, { scale, zeroPoint }: Quantization): number {
  return scale * (q - zeroPoint);
}

export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

export interface QuantizedWeights {
  readonly values: Int8Array;
  /** One for each output channel. */
  readonly scales: Float32Array;
}

/**
 * weights: [channels, ...]. Symmetric int8 with a scale for each channel: w = scale * q, |q| <= levels,
 *   scale = max |w| / levels
 * or the least power of two above it where all weights of the channel are multiples of that: such weights (a blur's)
 * stay exact. `leastScales`: no scale is smaller.
 */
export function quantizeWeights(
  weights: Float32Array,
  channels: number,
  bits: WeightBits,
  leastScales?: ArrayLike<number>,
): QuantizedWeights {
  const levels = WEIGHT_LEVELS[bits];
  const size = weights.length / channels;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const own = weights.subarray(channel * size, (channel + 1) * size);
    const scale = Math.max(weightScale(own, levels), roundedUp(leastScales?.[channel] ?? 0));
    scales[channel] = scale;
    for (let i = 0; i < size; i++) values[channel * size + i] = roundHalfEven(own[i]! / scale);
  }
  return { values, scales };
}

function weightScale(weights: Float32Array, levels: number): number {
  const largest = weights.reduce((max, weight) => Math.max(max, Math.abs(weight)), 0);
  if (largest <= levels * LEAST_SCALE) return LEAST_SCALE;
  const powerOfTwo = 2 ** Math.ceil(Math.log2(largest / levels));
  const isMultiple = weights.every((weight) => Number.isInteger(weight / powerOfTwo));
  return isMultiple && largest <= levels * powerOfTwo ? powerOfTwo : roundedUp(largest / levels);
}
