import { ATTRIBUTE_TYPE, type AttributeProto, type NodeProto } from "../proto/messages.js";
import { attribute, type Topology } from "./topology.js";

/** A convolution of each channel by itself whose taps are all the same. */
export interface Averaging {
  /** [channels, 1, height, width]. */
  readonly dims: readonly number[];
  readonly tap: number;
  readonly attribute: AttributeProto[];
}

/**
 * An average pool as a convolution, for which ONNX Runtime has a kernel that is several times as fast:
 *   mean of a window = sum over its places of x / (height width)
 * undefined where windows reach over the border, as they have fewer places there, and where no convolution that reads
 * the pool tells the number of channels.
 */
export function averaging(node: NodeProto, topology: Topology): Averaging | undefined {
  if (node.opType !== "AveragePool") return undefined;
  const window = attribute(node, "kernel_shape")?.ints;
  const reader = topology.layers.find(({ opType, input }) => opType === "Conv" && input === node.output[0]);
  if (window === undefined || reader === undefined || !staysInside(node)) return undefined;
  const channels = reader.kernel.dims[1]! * reader.group;
  const kept = node.attribute.filter(({ name }) => name === "kernel_shape" || name === "strides");
  return {
    dims: [channels, 1, ...window],
    tap: 1 / window.reduce((a, b) => a * b, 1),
    attribute: [...kept, { name: "group", type: ATTRIBUTE_TYPE.int, i: channels }],
  };
}

function staysInside(node: NodeProto): boolean {
  const automatic = attribute(node, "auto_pad")?.s;
  return (
    (automatic === undefined || ["NOTSET", "VALID"].includes(new TextDecoder().decode(automatic))) &&
    (attribute(node, "pads")?.ints ?? []).every((pad) => pad === 0) &&
    (attribute(node, "dilations")?.ints ?? []).every((dilation) => dilation === 1) &&
    (attribute(node, "ceil_mode")?.i ?? 0) === 0
  );
}
