import { optimize, type Program, type ValueId } from "asl-core";
import { type ContractionNode, type ContractionTypes, contractionKey, problemOf } from "../contraction/index.js";
import { isContraction, typesOfContraction } from "../kernel/contraction.js";
import { withFiniteFlags } from "./finite-flags.js";
import { buffersOf, halfBuffersOf, type Storage } from "./half-storage.js";

export interface ContractionUse {
  readonly node: ContractionNode;
  readonly types: ContractionTypes;
}

/** The contractions that run in a program, one for each key. */
export function contractionsOf(program: Program, storage: Storage = "f32"): Map<string, ContractionUse> {
  const graph = optimize(withFiniteFlags(program).program.graph);
  const bufferOf = buffersOf(graph);
  const halves = halfBuffersOf(graph, program, storage, bufferOf);
  const buffers = { types: graph.types, isHalf: (id: ValueId) => halves.has(bufferOf[id]!) };
  const uses = new Map<string, ContractionUse>();
  for (const node of graph.nodes.filter(isContraction)) {
    const types = typesOfContraction(node, buffers);
    const key = contractionKey(node.op, problemOf(node.op, types.inputs, types.output, node.attrs), types.isHalf);
    if (!uses.has(key)) uses.set(key, { node, types });
  }
  return uses;
}
