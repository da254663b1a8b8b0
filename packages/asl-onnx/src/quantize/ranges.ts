import { InputError } from "asl-core";
import { activationQuantization, dequantize, quantize, type Range } from "./scales.js";

/**
 * How the range of an activation follows from its values over the calibration pictures. `minmax`: all of them.
 * `percentile`: all but 0.005 % at either end. `mse`: the part of the range, around 0, with the least mean squared error.
 */
export const CALIBRATION_METHODS = ["minmax", "percentile", "mse"] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

const BINS = 2048;
const TAIL = 0.5e-4;
/** Parts of the range that `mse` tries. */
const PARTS = Array.from({ length: 76 }, (_, i) => 1 - i / 100);

/** What is known of one value of the graph: filled in over two passes, the second for the histogram. */
export class ValueStatistics {
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  #sums = new Float64Array();
  #perChannel = 0;
  #histogram: Float64Array | undefined;

  constructor(readonly value: string) {}

  /** data: [batch, channels, ...]. Throws InputError for a number that is not finite. */
  observe(data: ArrayLike<number>, shape: readonly number[]): void {
    const [batch = 1, channels = 1] = shape;
    if (this.#sums.length === 0) this.#sums = new Float64Array(channels);
    const size = data.length / (batch * channels);
    for (let row = 0, i = 0; row < batch; row++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (const end = i + size; i < end; i++) {
          const x = data[i]!;
          sum += x;
          if (x < this.#low) this.#low = x;
          if (x > this.#high) this.#high = x;
        }
        if (!Number.isFinite(sum)) {
          throw new InputError(`quantize: "${this.value}" is not finite on a calibration picture; check the weights`);
        }
        this.#sums[channel]! += sum;
      }
    }
    this.#perChannel += batch * size;
  }

  /** The second pass: the same data as in the first. */
  count(data: ArrayLike<number>): void {
    this.#histogram ??= new Float64Array(BINS);
    const perBin = this.#binWidth || 1;
    for (let i = 0; i < data.length; i++) {
      this.#histogram[Math.min(BINS - 1, Math.floor((data[i]! - this.#low) / perBin))]! += 1;
    }
  }

  /** Mean of each channel. */
  get means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#perChannel);
  }

  range(method: CalibrationMethod): Range {
    const whole = { low: this.#low, high: this.#high };
    const histogram = this.#histogram;
    if (method === "minmax") return whole;
    if (histogram === undefined) throw new InputError(`quantize: ${method} needs the second pass over the pictures`);
    return method === "percentile" ? this.#withoutTails(histogram) : this.#leastError(histogram, whole);
  }

  get #binWidth(): number {
    return (this.#high - this.#low) / BINS;
  }

  #withoutTails(histogram: Float64Array): Range {
    const allowed = TAIL * histogram.reduce((a, b) => a + b);
    const emptied = (step: 1 | -1) => {
      let bin = step === 1 ? 0 : BINS - 1;
      for (let sum = histogram[bin]!; sum <= allowed; sum += histogram[bin]!) bin += step;
      return bin;
    };
    const width = this.#binWidth;
    return { low: this.#low + emptied(1) * width, high: this.#low + (emptied(-1) + 1) * width };
  }

  #leastError(histogram: Float64Array, { low, high }: Range): Range {
    const width = this.#binWidth;
    let best = { low, high };
    let least = Number.POSITIVE_INFINITY;
    for (const part of PARTS) {
      const range = { low: Math.min(0, low) * part, high: Math.max(0, high) * part };
      const quantization = activationQuantization(range);
      let error = 0;
      for (let bin = 0; bin < BINS && error < least; bin++) {
        if (histogram[bin] === 0) continue;
        const x = low + (bin + 0.5) * width;
        error += histogram[bin]! * (x - dequantize(quantize(x, quantization), quantization)) ** 2;
      }
      if (error >= least) continue;
      least = error;
      best = range;
    }
    return best;
  }
}
