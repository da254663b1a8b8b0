import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { grad } from "../src/autodiff/grad.js";
import { exactAsymmetricLossOptimized } from "../src/exact/asymmetric-loss.js";
import { exactExp } from "../src/exact/exponential.js";
import { exactLog, exactReciprocal, logarithmOf, reciprocalOf, reduce } from "../src/exact/logarithm.js";
import { exactPower } from "../src/exact/power.js";
import { exactLogSigmoid, exactSigmoid, exactSigmoidPair } from "../src/exact/sigmoid.js";
import { exactSum } from "../src/exact/sum.js";
import { add } from "../src/functions/elementwise.js";
import { reduceSum } from "../src/functions/shape.js";
import { build, type Value } from "../src/graph/builder.js";
import type { OpName } from "../src/ops/table.js";
import { f32 } from "../src/types/tensor.js";

/** Ops that give the same bits on every backend: one correct rounding or none, or a sum of small whole numbers. */
const PORTABLE: readonly OpName[] = [
  "constant",
  ...(["add", "sub", "mul", "abs", "floor", "max", "min", "less", "select", "cast"] as const),
  ...(["gather", "reshape", "broadcast", "pad", "reduceSum", "reduceMax"] as const),
];

const FUNCTIONS: Readonly<Record<string, (x: Value) => Value>> = {
  "exact.sigmoid": exactSigmoid,
  "exact.logSigmoid": exactLogSigmoid,
  "exact.exp": exactExp,
  "exact.log": exactLog,
  "exact.reciprocal": exactReciprocal,
  "exact.power": (x) => exactPower(x, 2.5),
  "exact.sum": exactSum,
  exactAsymmetricLossOptimized: (x) => exactAsymmetricLossOptimized(x, x),
};

describe.each(Object.entries(FUNCTIONS))("%s", (scope, f) => {
  const forward = build((builder) => ({ y: f(builder.input("x", { dtype: "f32", shape: [3, 5000] })) }));

  it("is made of portable ops alone, value and gradient", () => {
    const { nodes } = build((builder) => {
      const x = builder.input("x", { dtype: "f32", shape: [3, 5000] });
      const y = f(x);
      const [gradient] = grad(y.shape.length === 0 ? y : exactSum(y), [x]);
      return { y, gradient: gradient! };
    });
    expect([...new Set(nodes.map(({ op }) => op))].filter((op) => !PORTABLE.includes(op))).toEqual([]);
  });

  it("names its nodes by its scope", () => {
    const named = forward.nodes.filter((node) => node.scope === scope || node.scope.startsWith(`${scope}.`));
    const scalars = forward.nodes.filter((node) => node.scope === "");
    expect(named.length + scalars.length).toBe(forward.nodes.length);
    expect(scalars.every(({ op }) => op === "constant")).toBe(true);
  });
});

it("exactSigmoid is the first of the pair", () => {
  const graph = build((builder) => {
    const x = builder.input("x", { dtype: "f32", shape: [5] });
    return { one: exactSigmoid(x), two: exactSigmoidPair(x).p };
  });
  const outputs = evaluate(graph, { x: f32([5], [-20, -1, 0, 1, 20]) }, { precision: "f32" });
  expect(outputs.one!.data).toEqual(outputs.two!.data);
});

describe("the range of a logarithm saves nodes and changes no bit", () => {
  const lowest = [2 ** -5, 2 ** -11, 2 ** -23, 2 ** -27, 2 ** -100];
  // Starts of octaves, borders of cells, and what lies between
  const between = (from: number) =>
    Array.from({ length: 4096 }, (_, i) => Math.fround(from ** ((i + 0.37) / 4096))).concat(1, from);

  it.each(lowest)("from %d", (from) => {
    const inputs = between(from);
    const x = f32([inputs.length], inputs);
    const outputsOf = (range: { from: number; to: number }) => {
      const graph = build((builder) => {
        const reduced = reduce(builder.input("x", x.type), range);
        const { high, low } = logarithmOf(reduced);
        return { logarithm: add(high, low), reciprocal: reduced.restoreReciprocal(reciprocalOf(reduced)) };
      });
      return { nodes: graph.nodes.length, outputs: evaluate(graph, { x }, { precision: "f32" }) };
    };
    const narrow = outputsOf({ from, to: 1 });
    const wide = outputsOf({ from: 2 ** -100, to: 2 ** 127 });
    expect(narrow.outputs).toEqual(wide.outputs);
    expect(narrow.nodes).toBeLessThan(wide.nodes);
  });
});

it("the exact sum is differentiated as a whole", () => {
  const graph = build((builder) => {
    const x = builder.input("x", { dtype: "f32", shape: [2, 2] });
    const [exact] = grad(exactSum(x), [x]);
    const [native] = grad(reduceSum(x), [x]);
    return { exact: exact!, native: native! };
  });
  const outputs = evaluate(graph, { x: f32([2, 2], [1, -2, 0, 3]) }, { precision: "f32" });
  expect(outputs.exact!.data).toEqual(outputs.native!.data);
});
