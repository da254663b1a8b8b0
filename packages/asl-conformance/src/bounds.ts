import { type AnyNode, definitionOf, type Graph, OPS, type TensorData, type Tensors, type TensorType } from "asl-core";
import { nodeEvaluator } from "asl-reference";
import { type Bounded, ERROR_RULES, type ErrorRule } from "./error-rules.js";

const evaluate = nodeEvaluator("f64");

/**
 * The outputs of a graph in float64, each with the bound that the contracts of its ops compose to: what an op adds of
 * its own (ULP, gamma_K sum |terms|) plus what it makes of the errors that come in (interval arithmetic, to the full
 * width, so no first-order term is dropped).
 */
export function errorBounds(graph: Graph, feeds: Tensors): Readonly<Record<string, Bounded>> {
  const values = new Array<Bounded>(graph.types.length);
  for (const [name, id] of Object.entries(graph.inputs)) values[id] = rounded(feeds[name]!);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => values[id]!);
    values[node.output] = boundedNode(node, inputs, graph.types[node.output]!);
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [name, values[id]!]));
}

/** A number that the backend holds in float32: off by what rounding takes. */
function rounded(tensor: TensorData): Bounded {
  const isReal = tensor.type.dtype === "f32";
  const data = isReal ? Float64Array.from(tensor.data) : tensor.data;
  const error = Float64Array.from(tensor.data, (x) =>
    isReal && Number.isFinite(x) ? Math.abs(Math.fround(x) - x) : 0,
  );
  return { value: { type: tensor.type, data }, error };
}

function boundedNode(node: AnyNode, inputs: readonly Bounded[], type: TensorType): Bounded {
  if (node.op === "constant") return rounded(node.attrs.value);
  const value = evaluate(
    node,
    inputs.map((input) => input.value),
    type,
  );
  // The table pairs each op with the rule for its attributes; a lookup by a union key cannot express that.
  const rule = ERROR_RULES[node.op] as ErrorRule<AnyNode["attrs"]>;
  const { accuracy } = definitionOf(node.op);
  const terms =
    accuracy.kind === "sum"
      ? accuracy.terms(
          inputs.map((input) => input.value.type),
          node.attrs,
        )
      : 0;
  const error = rule({
    inputs,
    value,
    attrs: node.attrs,
    ulps: accuracy.kind === "ulp" ? accuracy.max : 0,
    terms,
    apply: (reals, attrs) =>
      // float64 in, float64 out: the node applied to errors or magnitudes instead of values
      evaluate(
        { ...node, attrs: { ...node.attrs, ...attrs } } as AnyNode,
        inputs.map(({ value }, i) => real(value.type, reals[i]) ?? value),
        { dtype: "f32", shape: type.shape },
      ).data as Float64Array,
  });
  return { value, error };
}

const real = ({ shape }: TensorType, data: Float64Array | undefined): TensorData | undefined =>
  data && { type: { dtype: "f32", shape }, data };

/** Whether all ops of a graph are exact or correctly rounded, so that every bit of its result is determined. */
export const isDetermined = (graph: Graph) =>
  graph.nodes.every(({ op }) => {
    const { accuracy } = OPS[op];
    return accuracy.kind === "exact" || (accuracy.kind === "ulp" && accuracy.max <= 0.5);
  });
