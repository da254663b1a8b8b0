import { formatType, type TensorData } from "../types/tensor.js";
import { type AttributeJson, attributesToJson } from "./attributes.js";
import type { AnyNode, Graph } from "./graph.js";

/** Elements of a constant that are shown. */
const MOST_ELEMENTS = 8;

/**
 * A graph for people: inputs, one line a node, outputs.
 *
 *     input  %0: f32[8,64,56,56]  "x"
 *     %2: f32[8,64,56,56] = conv2d(%0, %1) {strides=[1,1], padding=[[1,1],[1,1]], dilations=[1,1], groups=1}  # layer1.0.conv1
 *     output %2: f32[8,64,56,56]  "y"
 */
export function print(graph: Graph): string {
  const typed = (id: number) => `%${id}: ${graph.types[id] === undefined ? "?" : formatType(graph.types[id])}`;
  const ends = (kind: string, ids: Readonly<Record<string, number>>) =>
    Object.entries(ids).map(([name, id]) => `${kind.padEnd(6)} ${typed(id)}  ${JSON.stringify(name)}`);
  return [
    ...ends("input", graph.inputs),
    ...graph.nodes.map((node) => `${typed(node.output)} = ${printApplication(node)}`),
    ...ends("output", graph.outputs),
    "",
  ].join("\n");
}

function printApplication(node: AnyNode): string {
  const call = `${node.op}(${node.inputs.map((id) => `%${id}`).join(", ")})`;
  const attributes =
    node.op === "constant"
      ? [`value=${printElements(node.attrs.value)}`]
      : Object.entries(attributesToJson(node.op, node.attrs)).map(
          ([name, value]) => `${name}=${printAttribute(value)}`,
        );
  return [
    call,
    attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`,
    node.scope === "" ? "" : `  # ${node.scope}`,
  ].join("");
}

const printAttribute = (value: AttributeJson): string =>
  Array.isArray(value) ? `[${value.map(printAttribute).join(",")}]` : String(value);

function printElements({ type, data }: TensorData): string {
  const shown = Array.from(data.subarray(0, MOST_ELEMENTS), (element) =>
    Object.is(element, -0) ? "-0" : `${element}`,
  );
  if (type.shape.length === 0) return shown.join("");
  return `[${shown.join(", ")}${data.length > MOST_ELEMENTS ? `, ... ${data.length - MOST_ELEMENTS} more` : ""}]`;
}
