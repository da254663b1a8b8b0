import type { AnyNode, Graph, ValueId } from "asl-core";
import { type Fusion, type FusionRule, GraphView } from "./fusion.js";

/** One thing to write: a node, alone or as the end of a fusion. */
export interface Step {
  readonly node: AnyNode;
  readonly fusion: Fusion | undefined;
}

/** What an ONNX graph is made of, in an order in which every step finds its inputs; and which values are read. */
export interface Schedule {
  readonly steps: readonly Step[];
  readonly needed: ReadonlySet<ValueId>;
}

/** From the outputs back: which nodes are written, and in which form. The first rule that fits is taken. */
export function schedule(graph: Graph, rules: readonly FusionRule[]): Schedule {
  const view = new GraphView(graph);
  const needed = new Set<ValueId>(Object.values(graph.outputs));
  const makers = new Map<ValueId, Step>();
  for (const node of [...graph.nodes].reverse()) {
    // A value may have been claimed by a fusion that ends later.
    if (!needed.has(node.output) || makers.has(node.output)) continue;
    const fusion = firstMatch(node, rules, view, makers);
    const step = { node, fusion };
    makers.set(node.output, step);
    for (const value of fusion?.also ?? []) makers.set(value, step);
    for (const input of inputsOf(step)) needed.add(input);
  }
  return { steps: inOrder(graph, makers), needed };
}

function firstMatch(
  node: AnyNode,
  rules: readonly FusionRule[],
  view: GraphView,
  makers: ReadonlyMap<ValueId, Step>,
): Fusion | undefined {
  for (const rule of rules) {
    const fusion = rule(node, view);
    if (fusion !== undefined && !fusion.also?.some((value) => makers.has(value))) return fusion;
  }
  return undefined;
}

const inputsOf = ({ node, fusion }: Step): readonly ValueId[] => fusion?.inputs ?? node.inputs;

/** The graph's order, but for what must wait for a fusion that makes several values at its end. */
function inOrder(graph: Graph, makers: ReadonlyMap<ValueId, Step>): Step[] {
  const written = new Set<Step>();
  const steps: Step[] = [];
  const write = (value: ValueId): void => {
    const step = makers.get(value);
    if (step === undefined || written.has(step)) return;
    written.add(step);
    for (const input of inputsOf(step)) write(input);
    steps.push(step);
  };
  for (const node of graph.nodes) write(node.output);
  return steps;
}
