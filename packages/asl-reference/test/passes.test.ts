import {
  eliminateCommonSubexpressions,
  eliminateDeadCode,
  foldConstants,
  type Graph,
  graphFromJson,
  graphToJson,
  optimize,
  recompute,
  simplify,
  sizeOf,
  splitConcats,
  type TensorData,
  type Tensors,
  traitsOf,
} from "asl-core";
import { evaluate, nodeEvaluator, type Precision } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomCase } from "../../asl-core/test/random-graph.js";

/** Elements in a form where all bits count: NaN equals NaN, 0 is not -0. */
const elements = ({ type, data }: TensorData) => ({ type, elements: Array.from(data) });
const results = (graph: Graph, feeds: Tensors, precision: Precision) =>
  Object.fromEntries(
    Object.entries(evaluate(graph, feeds, { precision })).map(([name, tensor]) => [name, elements(tensor)]),
  );

const fold = (precision: Precision, inexact: boolean) => (graph: Graph) =>
  foldConstants(graph, nodeEvaluator(precision), { inexact });

/** Passes that keep every bit of every output in the precision of their evaluator. */
const PASSES: readonly [string, (precision: Precision) => (graph: Graph) => Graph][] = [
  ["eliminateDeadCode", () => eliminateDeadCode],
  ["eliminateCommonSubexpressions", () => eliminateCommonSubexpressions],
  ["foldConstants", (precision) => fold(precision, false)],
  ["foldConstants, inexact", (precision) => fold(precision, true)],
  ["simplify", () => simplify],
  ["optimize", (precision) => (graph) => optimize(graph, { evaluate: nodeEvaluator(precision) })],
  [
    "optimize, inexact",
    (precision) => (graph) => optimize(graph, { evaluate: nodeEvaluator(precision), inexact: true }),
  ],
  ["optimize without an evaluator", () => optimize],
  ["splitConcats", () => (graph) => splitConcats(graph, 2)],
  [
    "recompute",
    () => (graph) => {
      const values = graph.nodes.flatMap(({ output }, i) => (i % 3 === 0 ? [] : [output]));
      return recompute({ graph, cut: Math.floor(graph.nodes.length / 2) }, new Set(values)).graph;
    },
  ],
  ["the way through JSON", () => (graph) => graphFromJson(JSON.parse(JSON.stringify(graphToJson(graph))))],
];

describe.each<Precision>(["f32", "f64"])(
  "evaluated in %s, random graphs of every op give the same bits after",
  (precision) => {
    it.each(PASSES)("%s", (_, passFor) => {
      const pass = passFor(precision);
      fc.assert(
        fc.property(randomCase, ({ graph, feeds }) => {
          expect(results(pass(graph), feeds, precision)).toEqual(results(graph, feeds, precision));
        }),
        { numRuns: 200 },
      );
    });
  },
);

describe("optimize", () => {
  it("never adds arithmetic: as many elements are computed or fewer, movements and constants aside", () => {
    const computed = (graph: Graph) =>
      graph.nodes
        .filter(({ op }) => op !== "constant" && traitsOf(op).movement === undefined)
        .reduce((sum, { output }) => sum + sizeOf(graph.types[output]!.shape), 0);
    fc.assert(
      fc.property(randomCase, ({ graph }) => {
        expect(computed(optimize(graph))).toBeLessThanOrEqual(computed(eliminateDeadCode(graph)));
      }),
    );
  });
});
