import { build, type GraphJson, graphFromJson, graphToJson, type TensorData, type TensorJson } from "asl-core";

// A tensor in JSON is what a constant of a graph in JSON holds, so core's own reader and writer do the work.

/** Throws GraphError for what is not a tensor. */
export function tensorFromJson(json: TensorJson): TensorData {
  const { dtype, shape } = json;
  const graph: GraphJson = {
    format: "asl-graph",
    version: 1,
    inputs: {},
    outputs: { value: 0 },
    nodes: [{ op: "constant", inputs: [], output: 0, attrs: { value: json }, scope: "" }],
    types: [{ dtype, shape }],
  };
  const [node] = graphFromJson(graph).nodes;
  return (node!.attrs as { readonly value: TensorData }).value;
}

export function tensorToJson(tensor: TensorData): TensorJson {
  const graph = graphToJson(build((builder) => ({ value: builder.constant(tensor) })));
  return graph.nodes[0]!.attrs.value as TensorJson;
}
