import type { AnyNode, ValueId } from "asl-core";
import type { Fusion, FusionRule, GraphView } from "../lower/fusion.js";
import type { OnnxOperator } from "../lower/operators.js";
import { DATA_TYPE } from "../proto/messages.js";

/** The arguments of a commutative node in the order (matching, other), when one of them matches. */
export function eitherWay(
  node: AnyNode,
  matches: (candidate: ValueId, other: ValueId) => boolean,
): readonly [ValueId, ValueId] | undefined {
  const [a, b] = node.inputs as readonly [ValueId, ValueId];
  if (matches(a, b)) return [a, b];
  return matches(b, a) ? [b, a] : undefined;
}

function unary(x: ValueId, opType: OnnxOperator, attributes = {}): Fusion {
  return {
    inputs: [x],
    lower: (lowering) => lowering.elementwise(opType, [lowering.operand(x)], attributes),
  };
}

/** max(x, 0) = Relu(x). */
export const relu: FusionRule = (node, view) => {
  if (node.op !== "max") return undefined;
  const pair = eitherWay(node, (zero) => view.uniform(zero) === 0);
  return pair === undefined ? undefined : unary(pair[1], "Relu");
};

/** The slope when `scaled` is x times a number between 0 and 1. */
function slopeOf(view: GraphView, scaled: ValueId, x: ValueId): number | undefined {
  const product = view.producer(scaled);
  if (product?.op !== "mul") return undefined;
  const pair = eitherWay(product, (factor, other) => other === x && view.uniform(factor) !== undefined);
  const slope = pair === undefined ? undefined : view.uniform(pair[0]);
  return slope !== undefined && slope > 0 && slope < 1 ? slope : undefined;
}

/** max(x, slope x), or x < 0 ? slope x : x, for 0 < slope < 1 = LeakyRelu(x). */
export const leakyRelu: FusionRule = (node, view) => {
  if (node.op === "max") {
    const pair = eitherWay(node, (scaled, x) => slopeOf(view, scaled, x) !== undefined);
    if (pair === undefined) return undefined;
    return unary(pair[1], "LeakyRelu", { alpha: { float: slopeOf(view, pair[0], pair[1])! } });
  }
  if (node.op !== "select") return undefined;
  const [condition, scaled, x] = node.inputs as readonly [ValueId, ValueId, ValueId];
  const comparison = view.producer(condition);
  const slope = slopeOf(view, scaled, x);
  const isNegative =
    comparison?.op === "less" && comparison.inputs[0] === x && view.uniform(comparison.inputs[1]!) === 0;
  return isNegative && slope !== undefined ? unary(x, "LeakyRelu", { alpha: { float: slope } }) : undefined;
};

/** condition ? 1 : slope = Clip(Cast(condition), slope, 1) for 0 <= slope < 1: ONNX Runtime's Where takes twice as long. */
export const oneOrSlope: FusionRule = (node, view) => {
  if (node.op !== "select") return undefined;
  const [condition, whenTrue, whenFalse] = node.inputs as readonly [ValueId, ValueId, ValueId];
  const slope = view.uniform(whenFalse);
  if (view.uniform(whenTrue) !== 1 || slope === undefined || !(slope >= 0 && slope < 1)) return undefined;
  return {
    inputs: [condition],
    lower(lowering) {
      const step = lowering.elementwise("Cast", [lowering.operand(condition)], { to: { int: DATA_TYPE.float } });
      const bounds = [lowering.scalar(slope).name, lowering.scalar(1).name];
      return slope === 0 ? step : { name: lowering.emit("Clip", [step.name, ...bounds]), extents: step.extents };
    },
  };
};
