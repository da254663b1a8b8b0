import type { Graph, ValueId } from "../graph/graph.js";
import type { AttrsOf, OpName } from "../ops/table.js";
import { eliminateDeadCode } from "./dead-code.js";
import { GraphWriter } from "./graph-writer.js";
import { hoistBroadcast } from "./hoist-broadcast.js";
import type { Rewriting, Rule } from "./rewriting.js";
import { RULES } from "./simplify-rules.js";
import { Splats } from "./splats.js";

/**
 * The graph with needless nodes rewritten away: neutral elements, inverse pairs, chains of movements, and elementwise
 * ops over broadcasts, which move in front of the broadcast. Only rewrites that keep every bit of every output,
 * NaN, infinities and the sign of zero included. stopGradient disappears, so differentiate first.
 */
export function simplify(graph: Graph): Graph {
  const writer = new GraphWriter(graph);
  const rewriting = rewritingOf(writer);
  for (const { op, inputs, output, attrs, scope } of graph.nodes) {
    writer.replace(output, rewriting.apply(op, writer.translate(inputs), attrs, scope));
  }
  return eliminateDeadCode(writer.finish());
}

function rewritingOf(writer: GraphWriter): Rewriting {
  const rewriting: Rewriting = {
    writer,
    splats: new Splats(writer),
    apply<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: AttrsOf<K>, scope: string): ValueId {
      // RULES pairs each op with its attributes; a lookup by a generic key loses the pairing.
      const rule = RULES[op] as Rule<K> | undefined;
      return (
        rule?.(rewriting, inputs, attrs, scope) ??
        hoistBroadcast(rewriting, op, inputs, attrs, scope) ??
        writer.apply(op, inputs, attrs, scope)
      );
    },
  };
  return rewriting;
}
