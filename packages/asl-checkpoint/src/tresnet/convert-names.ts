import { formatType, InputError, type TensorData, type Tensors } from "asl-core";
import { rawWeightOfScale, scaleOfRawWeight } from "./batch-norm-weight.js";
import { bottleneckBlocks, isWithoutWeight, toOfficialName, toTimmName } from "./key-names.js";

export interface ConvertedTensors {
  readonly tensors: Tensors;
  /** What was changed beyond the names, for a log. */
  readonly notes: readonly string[];
}

/**
 * Tensors under timm's names -> the official names and meaning. Batch-norm weights become raw InPlaceABN weights
 * (once: an official file is never to be passed here). Two cases that InPlaceABN cannot hold as they are:
 * - a negative scale (a network trained with timm's plain batch norm): -s * (x - m) = s * (-x - (-m)), so the row of
 *   the convolution before it and the running mean change sign, which is exact;
 * - a scale below 1e-5 in size: the nearest is 1e-5, a note says how many.
 */
export function timmToOfficial(tensors: Tensors): ConvertedTensors {
  const bottlenecks = bottleneckBlocks(Object.keys(tensors));
  const converted = new Map<string, TensorData>();
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!isWithoutWeight(name)) converted.set(name, tensor);
  }
  const counts = { negative: 0, small: 0 };
  for (const name of [...converted.keys()]) {
    if (name.endsWith(".bn.weight")) convertNorm(name.slice(0, -".bn.weight".length), converted, counts);
  }
  const notes: string[] = [];
  if (counts.negative > 0) {
    notes.push(`${counts.negative} negative batch-norm scales: the kernels before them changed sign instead (exact)`);
  }
  if (counts.small > 0) notes.push(`${counts.small} batch-norm scales below 1e-5 became 1e-5, the least there is`);
  return {
    tensors: Object.fromEntries([...converted].map(([name, tensor]) => [toOfficialName(name, bottlenecks), tensor])),
    notes,
  };
}

/** Tensors under official names -> timm's names and meaning: batch-norm weights become |w| + 1e-5 (once). */
export function officialToTimm(tensors: Tensors): ConvertedTensors {
  const converted = Object.entries(tensors).map(([name, tensor]): [string, TensorData] => {
    const timm = toTimmName(name);
    if (!timm.endsWith(".bn.weight")) return [timm, tensor];
    return [timm, { type: tensor.type, data: Float32Array.from(float(name, tensor), scaleOfRawWeight) }];
  });
  return { tensors: Object.fromEntries(converted), notes: [] };
}

function convertNorm(
  unit: string,
  tensors: Map<string, TensorData>,
  counts: { negative: number; small: number },
): void {
  const name = `${unit}.bn.weight`;
  const norm = tensors.get(name)!;
  const scales = float(name, norm);
  const raw = new Float32Array(scales.length);
  const negative: number[] = [];
  for (let channel = 0; channel < scales.length; channel++) {
    const scale = scales[channel]!;
    raw[channel] = rawWeightOfScale(Math.abs(scale));
    if (scale < 0) negative.push(channel);
    if (Math.abs(scale) < Math.fround(1e-5)) counts.small += 1;
  }
  tensors.set(name, { type: norm.type, data: raw });
  for (const part of negative.length === 0 ? [] : [`${unit}.conv.weight`, `${unit}.bn.running_mean`]) {
    const tensor = tensors.get(part);
    if (tensor === undefined) throw new InputError(`${name} has negative scales, and there is no ${part} to negate`);
    tensors.set(part, negateRows(part, tensor, negative, scales.length));
  }
  counts.negative += negative.length;
}

/** The rows of `tensor`, one per output channel, whose channel is listed change sign. */
function negateRows(name: string, tensor: TensorData, channels: readonly number[], count: number): TensorData {
  const data = float(name, tensor).slice();
  const row = data.length / count;
  if (!Number.isInteger(row)) throw new InputError(`${name} ${formatType(tensor.type)} does not have ${count} rows`);
  for (const channel of channels) {
    for (let i = channel * row; i < (channel + 1) * row; i++) data[i] = -data[i]!;
  }
  return { type: tensor.type, data };
}

function float(name: string, tensor: TensorData): Float32Array | Float64Array {
  if (tensor.data instanceof Float32Array || tensor.data instanceof Float64Array) return tensor.data;
  throw new InputError(`${name} is ${formatType(tensor.type)}; floating point numbers are expected`);
}
