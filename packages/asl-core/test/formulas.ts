import type { Graph, ValueId } from "../src/graph/graph.js";
import { graphToJson } from "../src/graph/json.js";

/**
 * What each output is as a formula, numbered so that equal formulas have one number: ops and attributes of inputs. Every op
 * gives the same bits for the same bits, so equal formulas are equal bits.
 */
export function formulas(): (graph: Graph) => Readonly<Record<string, number>> {
  const numbers = new Map<string, number>();
  const numberOf = (formula: string) => numbers.get(formula) ?? numbers.set(formula, numbers.size).size - 1;
  return (graph) => {
    const found = new Map<ValueId, number>();
    for (const [name, id] of Object.entries(graph.inputs)) found.set(id, numberOf(`input ${name}`));
    const { nodes } = graphToJson(graph);
    graph.nodes.forEach(({ op, inputs, output }, i) => {
      const of = inputs.map((id) => found.get(id)!);
      found.set(output, numberOf(`${op} ${of.join(",")} ${JSON.stringify(nodes[i]!.attrs)}`));
    });
    return Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [name, found.get(id)!]));
  };
}
