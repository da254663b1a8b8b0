import type { Node, ValueId } from "../graph/graph.js";
import type { AttrsOf, OpName } from "../ops/table.js";
import type { GraphWriter } from "./graph-writer.js";
import type { Splats } from "./splats.js";

/** What a rewrite rule works with: the graph written so far, in which everything is simplified already. */
export interface Rewriting {
  readonly writer: GraphWriter;
  readonly splats: Splats;
  /** The value of an application, simplified itself. */
  apply<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: AttrsOf<K>, scope: string): ValueId;
}

/** An equal value that costs less, or undefined. */
export type Rule<K extends OpName> = (
  rewriting: Rewriting,
  inputs: readonly ValueId[],
  attrs: AttrsOf<K>,
  scope: string,
) => ValueId | undefined;

export type Rules = { readonly [K in OpName]?: Rule<K> };

/** The node that makes a value, if it is of this op. */
export function madeBy<K extends OpName>({ writer }: Rewriting, id: ValueId, op: K): Node<K> | undefined {
  const producer = writer.producerOf(id);
  // A member of the union whose op is K is Node<K>.
  return producer?.op === op ? (producer as unknown as Node<K>) : undefined;
}
