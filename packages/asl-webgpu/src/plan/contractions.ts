import { type AnyNode, optimize, type Program, traitsOf } from "asl-core";
import type { ContractionOp } from "../contraction/index.js";
import { type ContractionNode, type ContractionTypes, contractionKey, problemOf } from "../contraction/index.js";
import { withFiniteFlags } from "./finite-flags.js";

export interface ContractionUse {
  readonly node: ContractionNode;
  readonly types: ContractionTypes;
}

/** The contractions that run in a program, one for each key. */
export function contractionsOf(program: Program): Map<string, ContractionUse> {
  const graph = optimize(withFiniteFlags(program).program.graph);
  const uses = new Map<string, ContractionUse>();
  const isContraction = (node: AnyNode): node is AnyNode & ContractionNode => traitsOf(node.op).contraction === true;
  for (const node of graph.nodes.filter(isContraction)) {
    const types = { inputs: node.inputs.map((id) => graph.types[id]!), output: graph.types[node.output]! };
    const problem = problemOf<ContractionOp>(node.op, types.inputs, types.output, node.attrs);
    const key = contractionKey(node.op, problem);
    if (!uses.has(key)) uses.set(key, { node, types });
  }
  return uses;
}
