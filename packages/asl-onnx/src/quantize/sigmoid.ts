import type { NodeProto } from "../proto/messages.js";
import { floatsOf } from "../proto/tensors.js";
import type { Topology } from "./topology.js";

/** By how much a runtime's Sigmoid is off, with room: ONNX Runtime's by 2^-22. */
const SIGMOID_ERROR = 2 ** -20;

/** Whether steps of `scale` hide that a runtime's Sigmoid computed their value: it is off by 1/64 of one at most. */
export const hidesSigmoid = (scale: number): boolean => scale >= 64 * SIGMOID_ERROR;

/**
 * x where the node gives its sigmoid as graphs are lowered, in seven nodes, with tails that a runtime's Sigmoid has not:
 *   sigmoid(x) = e^min(x, 0) / (1 + e^-|x|)
 */
export function sigmoidInput(node: NodeProto, topology: Topology): string | undefined {
  const read = (value: string | undefined, opType: string): readonly string[] => {
    const producer = topology.producers.get(value ?? "");
    return producer?.opType === opType ? producer.input : [];
  };
  const readBeside = (constant: number, value: string | undefined, opType: string): string | undefined => {
    const [left = "", right = "", ...more] = read(value, opType);
    if (more.length > 0) return undefined;
    return isScalar(constant, right, topology) ? left : isScalar(constant, left, topology) ? right : undefined;
  };
  if (node.opType !== "Div") return undefined;
  const [numerator, denominator] = node.input;
  const x = readBeside(0, read(numerator, "Exp")[0], "Min");
  const [negative] = read(readBeside(1, denominator, "Add"), "Exp");
  const [magnitude] = read(negative, "Neg");
  return x !== undefined && read(magnitude, "Abs")[0] === x ? x : undefined;
}

function isScalar(constant: number, value: string, { initializers }: Topology): boolean {
  const tensor = initializers.get(value);
  return tensor !== undefined && tensor.dims.length === 0 && floatsOf(tensor)[0] === constant;
}
