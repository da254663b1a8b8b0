import { type AnyNode, type Node, type Shape, sameShape, sizeOf, type ValueId } from "asl-core";
import type { Operand } from "../lower/extent.js";
import type { FusionRule, GraphView } from "../lower/fusion.js";
import type { Lowering } from "../lower/lowering.js";
import { eitherWay } from "./activation.js";
import { vectorAlong } from "./contraction.js";

/** Everything but the channels of [N,C,H,W]. */
const STATISTICS_AXES = [0, 2, 3];

interface BatchNorm {
  /** x - mean, and its product with the gain [C]. */
  readonly centred: ValueId;
  readonly scaled: ValueId;
  readonly gain: ValueId;
  readonly x: ValueId;
  readonly scale: ValueId;
  readonly bias: ValueId;
  readonly mean: ValueId;
  /** sum (x - mean)^2. */
  readonly sumOfSquares: ValueId;
  /** sumOfSquares / count. */
  readonly variance: ValueId;
  readonly count: number;
  readonly epsilon: number;
}

/**
 * (x - mean) * (scale / sqrt(sum (x - mean)^2 / n + epsilon)) + bias, mean over batch, height and width
 * = BatchNormalization in training mode, which gives the statistics too: one operator instead of five passes.
 */
export const batchNormTraining: FusionRule = (node, view) => {
  const found = matchBatchNorm(node, view);
  if (found === undefined || !isFirst(found, view)) return undefined;
  const { x, scale, bias, mean, sumOfSquares, variance, count, epsilon } = found;
  // The operator makes the statistics; its own arguments must not need them.
  if ([scale, bias].some((argument) => view.dependsOn(argument, [mean, sumOfSquares]))) return undefined;
  return {
    inputs: [x, scale, bias],
    also: [mean, sumOfSquares, variance],
    lower(lowering) {
      const [channels] = lowering.extents(scale);
      // With momentum 0 the running statistics that go in do not matter and the batch's come out. ONNX Runtime writes
      // outputs 1 and 2 over inputs 3 and 4, so both must be tensors of this node alone.
      const scratch = () => lowering.emit("Add", [lowering.full(scale), lowering.scalar(lowering.uniqueNumber()).name]);
      const inputs = [lowering.full(x), lowering.full(scale), lowering.full(bias), scratch(), scratch()];
      const attributes = { training_mode: { int: 1 }, momentum: { float: 0 }, epsilon: { float: epsilon } };
      const [y, batchMean, batchVariance] = lowering.emitOutputs("BatchNormalization", inputs, attributes, 3);
      const statistic = (name: string) => ({ name, extents: [channels!] });
      lowering.set(mean, statistic(batchMean!));
      lowering.set(variance, statistic(batchVariance!));
      lowering.set(sumOfSquares, sumFromMean(statistic(batchVariance!), count, lowering));
      return { name: y!, extents: lowering.extents(node.output) };
    },
  };
};

/**
 * The same a second time, for a backward pass that did not keep it: one pass from the statistics that are there. It rounds
 * otherwise than the operator in training mode.
 */
export const batchNormAgain: FusionRule = (node, view) => {
  const found = matchBatchNorm(node, view);
  if (found === undefined || isFirst(found, view)) return undefined;
  const { x, scale, bias, mean, variance, epsilon } = found;
  const inputs = [x, scale, bias, mean, variance];
  return {
    inputs,
    lower: (lowering) => ({
      name: lowering.emit(
        "BatchNormalization",
        inputs.map((input) => lowering.full(input)),
        { epsilon: { float: epsilon } },
      ),
      extents: lowering.extents(node.output),
    }),
  };
};

/** Whether no product before this one is of the same x - mean and the same gain. */
function isFirst({ scaled, centred, gain }: BatchNorm, view: GraphView): boolean {
  const isSame = (other: AnyNode) =>
    other.op === "mul" && other.inputs.some((factor) => vectorAlong(view, factor, 1) === gain);
  return view.consumers(centred).every((other) => !isSame(other) || other.output >= scaled);
}

/**
 * x * gain + offset, or rest + x * gain + offset, gain and offset along the channels: BatchNormalization with mean 0 and
 * variance 1 multiplies and adds in one pass.
 */
export const channelAffine: FusionRule = (node, view) => {
  if (node.op !== "add" || view.type(node.output).shape.length !== 4) return undefined;
  const sum = eitherWay(node, (offset) => isAlongChannels(view, offset));
  if (sum === undefined) return undefined;
  const offset = vectorAlong(view, sum[0], 1)!;
  const direct = scaledAlongChannels(sum[1], view);
  if (direct !== undefined) {
    return {
      inputs: [direct.x, direct.gain, offset],
      lower: (lowering) => affine(direct.x, direct.gain, offset, lowering),
    };
  }
  const inner = view.producer(sum[1]);
  if (inner?.op !== "add" || !view.isPrivate(sum[1])) return undefined;
  const parts = eitherWay(inner, (product) => scaledAlongChannels(product, view) !== undefined);
  if (parts === undefined) return undefined;
  const { x, gain } = scaledAlongChannels(parts[0], view)!;
  return {
    inputs: [parts[1], x, gain, offset],
    lower: (lowering) => lowering.elementwise("Add", [lowering.operand(parts[1]), affine(x, gain, offset, lowering)]),
  };
};

/** The factors when a value that nothing else reads is x times a vector along the channels. */
function scaledAlongChannels(value: ValueId, view: GraphView): { x: ValueId; gain: ValueId } | undefined {
  const product = view.producer(value);
  if (product?.op !== "mul" || !view.isPrivate(value)) return undefined;
  const pair = eitherWay(product, (gain, other) => isAlongChannels(view, gain) && !isAlongChannels(view, other));
  return pair === undefined ? undefined : { x: pair[1], gain: vectorAlong(view, pair[0], 1)! };
}

function affine(x: ValueId, gain: ValueId, offset: ValueId, lowering: Lowering): Operand {
  const extents = lowering.extents(gain);
  const vector = (value: number) => lowering.filled(value, extents as Shape);
  const inputs = [lowering.full(x), lowering.full(gain), lowering.full(offset), vector(0), vector(1)];
  const name = lowering.emit("BatchNormalization", inputs, { epsilon: { float: 0 } });
  return { name, extents: lowering.extents(x) };
}

const sumFromMean = (mean: Operand, count: number, lowering: Lowering) =>
  lowering.elementwise("Mul", [mean, lowering.scalar(count)]);

function matchBatchNorm(node: AnyNode, view: GraphView): BatchNorm | undefined {
  if (node.op !== "add" || view.type(node.output).shape.length !== 4) return undefined;
  const sum = eitherWay(node, (bias, other) => isAlongChannels(view, bias) && view.producer(other)?.op === "mul");
  const product = sum === undefined ? undefined : view.producer(sum[1]);
  if (sum === undefined || product?.op !== "mul") return undefined;
  const scaled = eitherWay(product, (gain, other) => isAlongChannels(view, gain) && view.producer(other)?.op === "sub");
  if (scaled === undefined) return undefined;
  const centred = view.producer(scaled[1]) as Node<"sub">;
  const x = centred.inputs[0]!;
  const mean = vectorAlong(view, centred.inputs[1]!, 1);
  const statistics = matchGain(vectorAlong(view, scaled[0], 1)!, centred.output, view);
  if (mean === undefined || statistics === undefined || !isMeanOf(mean, x, statistics.count, view)) return undefined;
  const products = { centred: centred.output, scaled: product.output, gain: vectorAlong(view, scaled[0], 1)! };
  return { ...products, x, mean, bias: vectorAlong(view, sum[0], 1)!, ...statistics };
}

const isAlongChannels = (view: GraphView, value: ValueId) => vectorAlong(view, value, 1) !== undefined;

/** scale * (1 / sqrt(sum centred^2 / count + epsilon)). */
function matchGain(gain: ValueId, centred: ValueId, view: GraphView) {
  const product = view.producer(gain);
  if (product?.op !== "mul") return undefined;
  const pair = eitherWay(product, (inverse) => matchInverseDeviation(inverse, centred, view) !== undefined);
  if (pair === undefined) return undefined;
  return { scale: pair[1], ...matchInverseDeviation(pair[0], centred, view)! };
}

function matchInverseDeviation(value: ValueId, centred: ValueId, view: GraphView) {
  const inverse = view.producer(value);
  if (inverse?.op !== "div" || view.uniform(inverse.inputs[0]!) !== 1) return undefined;
  const root = view.producer(inverse.inputs[1]!);
  const shifted = root?.op === "sqrt" ? view.producer(root.inputs[0]!) : undefined;
  if (shifted?.op !== "add") return undefined;
  const pair = eitherWay(shifted, (epsilon) => view.uniform(epsilon) !== undefined);
  const variance = pair === undefined ? undefined : view.producer(pair[1]);
  if (pair === undefined || variance?.op !== "div") return undefined;
  const [sumOfSquares, divisor] = variance.inputs as readonly [ValueId, ValueId];
  const sum = view.producer(sumOfSquares);
  const square =
    sum?.op === "reduceSum" && sameShape(sum.attrs.axes, STATISTICS_AXES) ? view.producer(sum.inputs[0]!) : undefined;
  if (square?.op !== "mul" || square.inputs.some((input) => input !== centred)) return undefined;
  const count = view.uniform(divisor);
  if (count !== sizeOf(STATISTICS_AXES.map((axis) => view.type(centred).shape[axis]!))) return undefined;
  return { sumOfSquares, variance: variance.output, count, epsilon: view.uniform(pair[0])! };
}

function isMeanOf(mean: ValueId, x: ValueId, count: number, view: GraphView): boolean {
  const quotient = view.producer(mean);
  if (quotient?.op !== "div" || view.uniform(quotient.inputs[1]!) !== count) return false;
  const sum = view.producer(quotient.inputs[0]!);
  return sum?.op === "reduceSum" && sum.inputs[0] === x && sameShape(sum.attrs.axes, STATISTICS_AXES);
}
