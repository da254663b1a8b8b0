import type { AnyNode, Node, ValueId } from "asl-core";
import { isReduction, type LoopPlan, type Stage } from "./plan.js";

/** Less than this is computed sooner than a branch is taken wrongly. */
const FEWEST_NODES = 8;

/** Arguments of select. */
const [CONDITION, WHERE_TRUE] = [0, 1] as const;

/**
 * By select: the nodes, in order, that only its result where the condition holds is made of; those with a few are left out. A
 * select names the exception first (a positive among the targets, what is below a limit), so that they may be skipped in
 * most turns.
 */
export function rareNodes(plan: LoopPlan, stage: Stage): ReadonlyMap<AnyNode, readonly AnyNode[]> {
  const consumers = new Map<ValueId, AnyNode[]>();
  for (const node of stage.nodes) {
    for (const input of node.inputs) {
      const source = plan.sourceOf(input);
      consumers.set(source, [...(consumers.get(source) ?? []), node]);
    }
  }
  const rare = new Map<AnyNode, readonly AnyNode[]>();
  const taken = new Set<AnyNode>();
  // from the end: a select within the rare nodes of another has none of its own
  for (const select of [...stage.nodes].reverse()) {
    if (select.op !== "select" || taken.has(select)) continue;
    const nodes = exclusiveNodes(plan, stage, select, consumers);
    if (nodes.length < FEWEST_NODES) continue;
    rare.set(select, nodes);
    for (const node of nodes) taken.add(node);
  }
  return rare;
}

function exclusiveNodes(
  { stored, sourceOf }: LoopPlan,
  { nodes }: Stage,
  select: Node<"select">,
  consumers: ReadonlyMap<ValueId, readonly AnyNode[]>,
): readonly AnyNode[] {
  const result = sourceOf(select.inputs[WHERE_TRUE]!);
  const exclusive = new Set<AnyNode>();
  for (const node of [...nodes].reverse()) {
    // tables are looked up together
    if (isReduction(node) || node.op === "gather" || stored.has(node.output)) continue;
    const users = consumers.get(node.output) ?? [];
    const isForSelect = (user: AnyNode) =>
      user === select && node.output === result && !others(select).some((input) => sourceOf(input) === result);
    if (users.length > 0 && users.every((user) => exclusive.has(user) || isForSelect(user))) exclusive.add(node);
  }
  return nodes.filter((node) => exclusive.has(node));
}

const others = ({ inputs }: Node<"select">): readonly ValueId[] =>
  inputs.filter((_, argument) => argument === CONDITION || argument > WHERE_TRUE);
