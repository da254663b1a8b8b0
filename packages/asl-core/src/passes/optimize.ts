import type { Graph } from "../graph/graph.js";
import { eliminateCommonSubexpressions } from "./common-subexpressions.js";
import { eliminateDeadCode } from "./dead-code.js";
import { type FoldOptions, foldConstants, type NodeEvaluator } from "./fold-constants.js";
import { simplify } from "./simplify.js";

export interface OptimizeOptions extends FoldOptions {
  /** Computes constants; without it none are folded. */
  readonly evaluate?: NodeEvaluator;
}

/** One round enables another only through a new constant or a newly shared value; in practice two rounds do. */
const MOST_ROUNDS = 4;

/**
 * All passes in their standard order, until the graph stops shrinking. Outputs keep every bit on a backend that
 * computes in the precision of `evaluate` (unless `inexact` folding is asked for); inputs, output names and scopes stay. Differentiate first: stopGradient disappears.
 */
export function optimize(graph: Graph, { evaluate, ...options }: OptimizeOptions = {}): Graph {
  let current = eliminateDeadCode(graph);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = current.nodes.length;
    current = simplify(current);
    if (evaluate !== undefined) current = foldConstants(current, evaluate, options);
    current = eliminateDeadCode(eliminateCommonSubexpressions(current));
    if (current.nodes.length >= before) break;
  }
  return current;
}
