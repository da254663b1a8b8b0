import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Builder, build, type Value } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import { verify } from "../src/graph/verify.js";
import { eliminateCommonSubexpressions } from "../src/passes/common-subexpressions.js";
import { eliminateDeadCode } from "../src/passes/dead-code.js";
import { foldConstants, type NodeEvaluator } from "../src/passes/fold-constants.js";
import { liveness } from "../src/passes/liveness.js";
import { optimize } from "../src/passes/optimize.js";
import { simplify } from "../src/passes/simplify.js";
import { randomCase } from "./random-graph.js";
import { bool, f32, type Shape } from "./tensors.js";

const real = (...shape: number[]) => ({ dtype: "f32" as const, shape: shape as Shape });
const ops = (graph: Graph) => graph.nodes.map((node) => node.op);
const filled = (b: Builder, value: number, shape: Shape) =>
  b.apply("broadcast", [b.constant(value)], { shape, axes: [] });

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

describe("simplify", () => {
  const after = (body: (b: Builder, x: Value) => Value, shape: Shape = [2, 3]) =>
    simplify(build((b) => ({ y: body(b, b.input("x", real(...shape))) })));

  it.each<[string, (b: Builder, x: Value) => Value]>([
    ["x * 1", (b, x) => b.apply("mul", [x, filled(b, 1, [2, 3])], {})],
    ["1 * x, the 1 as a tensor", (b, x) => b.apply("mul", [b.constant(f32([2, 3], [1, 1, 1, 1, 1, 1])), x], {})],
    ["x / 1", (b, x) => b.apply("div", [x, filled(b, 1, [2, 3])], {})],
    ["x + (-0)", (b, x) => b.apply("add", [x, filled(b, -0, [2, 3])], {})],
    ["x - 0", (b, x) => b.apply("sub", [x, filled(b, 0, [2, 3])], {})],
    ["-(-x)", (b, x) => b.apply("neg", [b.apply("neg", [x], {})], {})],
    ["max(x, x)", (b, x) => b.apply("max", [x, x], {})],
    ["c ? x : x", (b, x) => b.apply("select", [b.apply("less", [x, filled(b, 0, [2, 3])], {}), x, x], {})],
    [
      "true ? x : -x",
      (b, x) => b.apply("select", [b.constant(bool([2, 3], [1, 1, 1, 1, 1, 1])), x, b.apply("neg", [x], {})], {}),
    ],
    ["a cast to the same dtype", (b, x) => b.apply("cast", [x], { to: "f32" })],
    ["stopGradient", (b, x) => b.apply("stopGradient", [x], {})],
    [
      "a reshape there and back",
      (b, x) => b.apply("reshape", [b.apply("reshape", [x], { shape: [6] })], { shape: [2, 3] }),
    ],
    [
      "two transposes",
      (b, x) => b.apply("transpose", [b.apply("transpose", [x], { permutation: [1, 0] })], { permutation: [1, 0] }),
    ],
    ["a slice of everything", (b, x) => b.apply("slice", [x], { starts: [0, 0], ends: [2, 3] })],
    ["a border of nothing", (b, x) => b.apply("pad", [x], { low: [0, 0], high: [0, 0], mode: "reflect", value: 0 })],
    [
      "a border that a slice cuts off",
      (b, x) =>
        b.apply("slice", [b.apply("pad", [x], { low: [1, 2], high: [0, 1], mode: "edge", value: 0 })], {
          starts: [1, 2],
          ends: [3, 5],
        }),
    ],
    [
      "a part of a concat",
      (b, x) => b.apply("slice", [b.apply("concat", [x, x, x], { axis: 1 })], { starts: [0, 3], ends: [2, 6] }),
    ],
    ["a concat of one", (b, x) => b.apply("concat", [x], { axis: 0 })],
    ["a broadcast to the same shape", (b, x) => b.apply("broadcast", [x], { shape: [2, 3], axes: [0, 1] })],
  ])("%s is x", (_, body) => {
    const graph = after(body);
    expect(graph.nodes).toEqual([]);
    expect(graph.outputs.y).toBe(graph.inputs.x);
  });

  it.each<[string, (b: Builder, x: Value) => Value]>([
    ["x + 0, which turns -0 into 0", (b, x) => b.apply("add", [x, filled(b, 0, [2, 3])], {})],
    ["x - (-0), the same", (b, x) => b.apply("sub", [x, filled(b, -0, [2, 3])], {})],
    ["0 - x, which is 0 for 0 where -x is -0", (b, x) => b.apply("sub", [filled(b, 0, [2, 3]), x], {})],
    ["x * 0, which may be -0 or NaN", (b, x) => b.apply("mul", [x, filled(b, 0, [2, 3])], {})],
    ["x - x, which may be NaN", (b, x) => b.apply("sub", [x, x], {})],
    ["x / x, which may be NaN", (b, x) => b.apply("div", [x, x], {})],
  ])("leaves %s", (_, body) => {
    const graph = after(body);
    expect(ops(graph).at(-1)).toMatch(/add|sub|mul|div/);
  });

  it("joins chains of movements", () => {
    expect(
      after((b, x) =>
        b.apply("slice", [b.apply("slice", [x], { starts: [1, 0], ends: [2, 3] })], { starts: [0, 1], ends: [1, 2] }),
      ).nodes[0],
    ).toMatchObject({ op: "slice", inputs: [0], attrs: { starts: [1, 1], ends: [2, 2] } });

    const border = (low: number[], high: number[], value: number) => ({ low, high, mode: "constant" as const, value });
    const bordered = (inner: number, outer: number) =>
      after((b, x) =>
        b.apply("pad", [b.apply("pad", [x], border([1, 0], [0, 2], inner))], border([0, 1], [1, 1], outer)),
      );
    expect(bordered(0, 0).nodes).toMatchObject([{ op: "pad", attrs: border([1, 1], [1, 3], 0) }]);
    expect(ops(bordered(0, -0))).toEqual(["pad", "pad"]);

    expect(
      after((b, x) => {
        const wide = b.apply("broadcast", [x], { shape: [2, 4, 3], axes: [0, 2] });
        return b.apply("broadcast", [wide], { shape: [5, 2, 4, 3], axes: [1, 2, 3] });
      }).nodes,
    ).toMatchObject([{ op: "broadcast", inputs: [0], attrs: { shape: [5, 2, 4, 3], axes: [1, 3] } }]);

    const turn = (b: Builder, x: Value) => b.apply("transpose", [x], { permutation: [1, 2, 0] });
    expect(after((b, x) => turn(b, turn(b, x)), [2, 3, 4]).nodes).toMatchObject([
      { op: "transpose", inputs: [0], attrs: { permutation: [2, 0, 1] } },
    ]);
  });

  it("turns movements that keep the order of the elements into views", () => {
    expect(ops(after((b, x) => b.apply("transpose", [x], { permutation: [2, 0, 1] }), [2, 3, 1]))).toEqual(["reshape"]);
    expect(ops(after((b, x) => b.apply("broadcast", [x], { shape: [1, 2, 1, 3], axes: [1, 3] })))).toEqual(["reshape"]);
  });

  it("computes in front of a broadcast, not behind it", () => {
    const graph = after((b, x) => {
      const wide = (value: Value) => b.apply("broadcast", [value], { shape: [8, 2, 3], axes: [1, 2] });
      return b.apply("neg", [b.apply("mul", [wide(x), filled(b, 3, [8, 2, 3])], {})], {});
    });
    expect(ops(graph)).toEqual(["constant", "broadcast", "mul", "neg", "broadcast"]);
    expect(graph.types.at(-2)).toEqual(real(2, 3));
  });

  it("does not move approximate ops: a backend may round a vector and a single element differently", () => {
    const graph = after((b, x) => b.apply("exp", [b.apply("broadcast", [x], { shape: [8, 2, 3], axes: [1, 2] })], {}));
    expect(ops(graph)).toEqual(["broadcast", "exp"]);
  });

  it("keeps the scopes of the nodes it rewrites", () => {
    const graph = after((b, x) => {
      const inner = b.scope("inner", () => b.apply("reshape", [x], { shape: [6] }));
      return b.scope("outer", () => b.apply("reshape", [inner], { shape: [3, 2] }));
    });
    expect(graph.nodes).toMatchObject([{ op: "reshape", scope: "outer" }]);
  });
});

describe("liveness", () => {
  // x (input) -> a = neg x -> v = view of a -> b = exp v -> c = add b, a' ... ; k: constant; 6 f32 = 24 bytes each
  const graph = build((b) => {
    const x = b.input("x", real(2, 3));
    const a = b.apply("neg", [x], {}); // node 0
    const view = b.apply("reshape", [a], { shape: [6] }); // node 1
    const e = b.apply("exp", [view], {}); // node 2: last use of a, through its view
    b.apply("log", [e], {}); // node 3: read by nobody
    const k = b.constant(f32([6], [1, 2, 3, 4, 5, 6])); // node 4
    return { y: b.apply("add", [e, k], {}) }; // node 5
  });
  const alive = liveness(graph);

  it("gives the last use of each value, through views too", () => {
    //                              x  a  view  e  log  k  y
    expect(alive.lastUse).toEqual([0, 2, 2, 5, 3, 5, 6]);
    expect(alive.bufferOf).toEqual([0, 1, 1, 3, 4, 5, 6]);
  });

  it("frees each intermediate buffer once, after its last use; inputs, constants and outputs stay", () => {
    expect(alive.freedAfter).toEqual([[], [], [1], [4], [], [3]]);
  });

  it("counts the bytes in use while each node runs", () => {
    expect(alive.liveBytes).toEqual([24, 24, 48, 48, 24, 48]);
    expect(alive.peakBytes).toBe(48);
    expect(alive.residentBytes).toBe(48);
    const flags = build((b) => ({ y: b.apply("less", [b.input("x", real(5)), b.input("z", real(5))], {}) }));
    expect(liveness(flags).peakBytes).toBe(5);
  });

  it("ends where the outputs remain, whatever the graph", () => {
    fc.assert(
      fc.property(randomCase, ({ graph: any }) => {
        const { freedAfter, liveBytes, peakBytes, lastUse, bufferOf } = liveness(any);
        const freed = freedAfter.flat();
        expect(new Set(freed).size).toBe(freed.length);
        any.nodes.forEach((node, index) => {
          for (const id of node.inputs) expect(lastUse[id]).toBeGreaterThanOrEqual(index);
          expect(liveBytes[index]).toBeLessThanOrEqual(peakBytes);
        });
        for (const id of Object.values(any.outputs)) expect(freed).not.toContain(bufferOf[id]);
      }),
    );
  });
});
