import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Builder, build, type Value } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import { verify } from "../src/graph/verify.js";
import { eliminateCommonSubexpressions } from "../src/passes/common-subexpressions.js";
import { eliminateDeadCode } from "../src/passes/dead-code.js";
import { foldConstants, type NodeEvaluator } from "../src/passes/fold-constants.js";
import { optimize } from "../src/passes/optimize.js";
import { simplify } from "../src/passes/simplify.js";
import { filled, ops, real } from "./building.js";
import { randomCase } from "./random-graph.js";
import { f32 } from "./tensors.js";

/** Adds scalars and turns signs; enough to see folding at work. What ops mean is asl-reference's affair. */
const evaluate: NodeEvaluator = (node, inputs, type) => {
  const [a, b] = inputs.map((input) => input.data);
  if (node.op === "add")
    return f32(
      type.shape,
      Array.from(a!, (x, i) => x + b![i]!),
    );
  if (node.op === "neg")
    return f32(
      type.shape,
      Array.from(a!, (x) => -x),
    );
  if (node.op === "broadcast")
    return f32(type.shape, new Float32Array(type.shape.reduce((p, q) => p * q, 1)).fill(a![0]!));
  if (node.op === "exp") return f32(type.shape, Array.from(a!, Math.exp));
  throw new Error(`${node.op} was not to be folded`);
};

describe("every pass", () => {
  it.each([
    ["eliminateDeadCode", eliminateDeadCode],
    ["eliminateCommonSubexpressions", eliminateCommonSubexpressions],
    ["simplify", simplify],
    ["optimize", optimize],
  ])("%s gives a valid graph with the same inputs, output names and types, and leaves the old one alone", (_, pass) => {
    fc.assert(
      fc.property(randomCase, ({ graph }) => {
        const before = structuredClone(graph);
        const after = pass(graph);
        verify(after);
        const types = (of: Graph, ends: Readonly<Record<string, number>>) =>
          Object.entries(ends).map(([name, id]) => [name, of.types[id]]);
        expect(types(after, after.inputs)).toEqual(types(graph, graph.inputs));
        expect(types(after, after.outputs)).toEqual(types(graph, graph.outputs));
        expect(graph).toStrictEqual(before);
        // Nothing is left to do for the same pass
        expect(pass(after).nodes.length).toBe(after.nodes.length);
      }),
    );
  });
});

describe("eliminateDeadCode", () => {
  it("drops what no output needs and keeps every input", () => {
    const graph = build((b) => {
      const x = b.input("x", real(2));
      b.input("unread", real(3));
      b.apply("exp", [b.apply("neg", [x], {})], {});
      return { y: b.scope("layer", () => b.apply("abs", [x], {})) };
    });
    const after = eliminateDeadCode(graph);
    expect(after.nodes).toEqual([{ op: "abs", inputs: [0], output: 2, attrs: {}, scope: "layer" }]);
    expect(after.inputs).toEqual({ x: 0, unread: 1 });
    expect(after.outputs).toEqual({ y: 2 });
  });
});

describe("eliminateCommonSubexpressions", () => {
  const after = (body: (b: Builder, x: Value, y: Value) => Record<string, Value>) =>
    eliminateCommonSubexpressions(build((b) => body(b, b.input("x", real(2, 2)), b.input("y", real(2, 2)))));

  it("computes equal expressions once, through chains", () => {
    const graph = after((b, x, y) => {
      const twice = () => b.apply("exp", [b.apply("sub", [x, y], {})], {});
      return { y: b.apply("mul", [twice(), twice()], {}) };
    });
    expect(ops(graph)).toEqual(["sub", "exp", "mul"]);
  });

  it("takes a + b for b + a, but not a - b for b - a, nor max(a, b) for max(b, a), which may differ in zeros", () => {
    for (const [op, count] of [
      ["add", 1],
      ["mul", 1],
      ["equal", 1],
      ["sub", 2],
      ["max", 2],
      ["less", 2],
    ] as const) {
      const graph = after((b, x, y) => ({ p: b.apply(op, [x, y], {}), q: b.apply(op, [y, x], {}) }));
      expect(ops(graph), op).toHaveLength(count);
    }
  });

  it("compares attributes by structure, whatever the order of their names", () => {
    const graph = after((b, x) => ({
      p: b.apply("pad", [x], { low: [1, 0], high: [0, 0], mode: "constant", value: 0 }),
      q: b.apply("pad", [x], { value: 0, mode: "constant", high: [0, 0], low: [1, 0] }),
      r: b.apply("pad", [x], { low: [1, 0], high: [0, 0], mode: "constant", value: -0 }),
      s: b.apply("pad", [x], { low: [0, 1], high: [0, 0], mode: "constant", value: 0 }),
    }));
    expect(ops(graph)).toHaveLength(3);
  });

  it("compares constants by type and bits: 0 is not -0, float32 is not float64, and NaN is NaN", () => {
    const graph = after((b) => ({
      zero: b.constant(f32([1], [0])),
      again: b.constant(f32([1], [0])),
      negative: b.constant(f32([1], [-0])),
      wide: b.constant(f32([1], Float64Array.of(0))),
      shaped: b.constant(f32([1, 1], [0])),
      nan: b.constant(f32([1], [Number.NaN])),
      nanToo: b.constant(f32([1], [Number.NaN])),
    }));
    expect(ops(graph)).toHaveLength(5);
    expect(graph.outputs.again).toBe(graph.outputs.zero);
    expect(graph.outputs.nanToo).toBe(graph.outputs.nan);
  });
});

describe("foldConstants", () => {
  it("replaces constant expressions by their values, in the scope of the node", () => {
    const graph = build((b) =>
      b.scope("head", () => {
        const sum = b.apply("add", [b.constant(f32([2], [1, 2])), b.constant(f32([2], [3, 4]))], {});
        return { y: b.apply("mul", [b.input("x", real(2)), b.apply("neg", [sum], {})], {}) };
      }),
    );
    const after = eliminateDeadCode(foldConstants(graph, evaluate));
    expect(after.nodes.map(({ op, attrs, scope }) => ({ op, attrs, scope }))).toEqual([
      { op: "constant", attrs: { value: f32([2], [-4, -6]) }, scope: "head" },
      { op: "mul", attrs: {}, scope: "head" },
    ]);
  });

  it("leaves ops that backends round differently, unless asked", () => {
    const graph = build((b) => ({ y: b.apply("exp", [b.constant(1)], {}) }));
    expect(ops(foldConstants(graph, evaluate))).toEqual(["constant", "exp"]);
    const inexact = eliminateDeadCode(foldConstants(graph, evaluate, { inexact: true }));
    expect(ops(inexact)).toEqual(["constant"]);
  });

  it("does not blow a small constant up, but folds a large one into another as large", () => {
    const small = build((b) => ({ y: filled(b, 1, [100]) }));
    expect(ops(foldConstants(small, evaluate, { maxElements: 99 }))).toEqual(["constant", "broadcast"]);
    expect(ops(eliminateDeadCode(foldConstants(small, evaluate, { maxElements: 100 })))).toEqual(["constant"]);
    const large = build((b) => ({ y: b.apply("neg", [b.constant(f32([100], new Float32Array(100)))], {}) }));
    expect(ops(eliminateDeadCode(foldConstants(large, evaluate, { maxElements: 0 })))).toEqual(["constant"]);
  });

  it("refuses an evaluator that gives another type", () => {
    const graph = build((b) => b.scope("head", () => ({ y: b.apply("neg", [b.constant(1)], {}) })));
    expect(() => foldConstants(graph, () => f32([1], [1]))).toThrow("neg (head) must evaluate to f32[]; got f32[1]");
    expect(() => foldConstants(graph, () => ({ ...f32([], [1]), data: new Float32Array(2) }))).toThrow(
      "needs 1 elements; got 2",
    );
  });
});
