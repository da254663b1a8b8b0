import type { NodeProto } from "../proto/messages.js";
import { activationQuantization, type Quantization, type Range } from "./scales.js";
import { isActivation, movesElements, type Topology } from "./topology.js";

/** Operators that runtimes have in uint8: quantised where all that they read is. */
const FOLLOWERS: ReadonlySet<string> = new Set(["Relu", "LeakyRelu", "Add", "Mul", "AveragePool", "GlobalAveragePool"]);

/** Values that get a QuantizeLinear and a DequantizeLinear where the layers of these names are quantised. */
export function quantizedValues(topology: Topology, layers: ReadonlySet<string>): Set<string> {
  const values = new Set<string>();
  for (const { name, input, output } of topology.layers) {
    if (!layers.has(name)) continue;
    values.add(topology.source(input));
    if (!topology.outputs.has(output)) values.add(output);
  }
  for (const node of topology.graph.node) {
    const output = node.output[0]!;
    if (!FOLLOWERS.has(node.opType) || topology.outputs.has(output) || feedsFloatLayer(node, topology, layers))
      continue;
    const sources = topology.activations(node).map((input) => topology.source(input));
    if (sources.every((source) => values.has(source))) values.add(output);
    else if (node.opType === "Mul" && sources.some((source) => values.has(source))) {
      // the gates of squeeze-and-excitation: one number for each channel
      const gates = topology.activations(node).filter((input) => topology.producers.get(input)?.opType === "Reshape");
      if (gates.length === 0) continue;
      for (const gate of gates) values.add(topology.source(gate));
      values.add(output);
    }
  }
  return values;
}

/** The pool before a classifier that stays in float32. */
function feedsFloatLayer(node: NodeProto, topology: Topology, layers: ReadonlySet<string>): boolean {
  if (node.opType !== "GlobalAveragePool") return false;
  return topology.layers.some(
    ({ name, opType, input }) => opType === "Gemm" && topology.source(input) === node.output[0] && !layers.has(name),
  );
}

/**
 * The steps of each value. What a LeakyRelu leaves of negative values is dropped where all of it is within one step:
 * the zero point is 0 then, and the activation comes for nothing (see `impliedActivations`).
 */
export function quantizationsOf(
  topology: Topology,
  ranges: ReadonlyMap<string, Range>,
): ReadonlyMap<string, Quantization> {
  return new Map(
    [...ranges].map(([value, range]): [string, Quantization] => {
      const positive = activationQuantization({ low: 0, high: range.high });
      const isLeaky = topology.producers.get(value)?.opType === "LeakyRelu";
      const dropsTail = isLeaky && range.high > 0 && -range.low <= positive.scale;
      return [value, dropsTail ? positive : activationQuantization(range)];
    }),
  );
}

/**
 * Activations that the quantisation of their result implies. With zero point 0 all that is negative becomes 0:
 *   Q(relu(x)) = Q(x), and Q(leakyRelu(x)) = Q(x) as leakyRelu keeps the sign and x >= 0.
 * So what comes before, a convolution or a sum, can be quantised at once, which runtimes do in its last step.
 */
export function impliedActivations(
  topology: Topology,
  values: ReadonlySet<string>,
  quantizations: ReadonlyMap<string, Quantization>,
): ReadonlySet<NodeProto> {
  const implied = topology.graph.node.filter((node) => {
    const [input = ""] = node.input;
    const producer = topology.producers.get(input);
    return (
      isActivation(node) &&
      values.has(input) &&
      values.has(node.output[0]!) &&
      quantizations.get(node.output[0]!)?.zeroPoint === 0 &&
      producer !== undefined &&
      !movesElements(producer) &&
      topology.consumers.get(input)?.length === 1
    );
  });
  return new Set(implied);
}
