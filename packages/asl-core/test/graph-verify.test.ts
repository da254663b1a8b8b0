import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { build } from "../src/graph/builder.js";
import type { AnyNode, Graph, ValueId } from "../src/graph/graph.js";
import { print } from "../src/graph/print.js";
import { verify } from "../src/graph/verify.js";
import { randomCase } from "./random-graph.js";
import { f32 } from "./tensors.js";

const good = build((b) => {
  const x = b.input("x", { dtype: "f32", shape: [2, 3] });
  const w = b.input("w", { dtype: "f32", shape: [3, 4] });
  const product = b.scope("head", () => b.apply("matmul", [x, w], {}));
  const border = { low: [0, 1], high: [0, 0], mode: "constant", value: -0 } as const;
  return { logits: b.apply("pad", [b.apply("neg", [product], {})], border), product };
});
const ids = (...numbers: number[]) => numbers as ValueId[];
const withNode = (index: number, change: object): Graph => ({
  ...good,
  nodes: good.nodes.map((node, i) => (i === index ? ({ ...node, ...change } as AnyNode) : node)),
});

describe("verify", () => {
  it("accepts every graph that a builder makes", () => {
    fc.assert(fc.property(randomCase, ({ graph }) => verify(graph)));
  });

  it.each<[string, Graph, string]>([
    [
      "an output that does not exist",
      { ...good, outputs: { y: 9 as ValueId } },
      'output "y": value %9 is outside the 5 values of the graph',
    ],
    [
      "an input that does not exist",
      { ...good, inputs: { x: -1 as ValueId } },
      'input "x": value %-1 is outside the 5 values',
    ],
    [
      "two inputs that are one value",
      { ...good, inputs: { x: ids(0)[0]!, w: ids(0)[0]! } },
      'input "w" defines value %0, as input "x" does',
    ],
    [
      "a value that nothing defines",
      { ...good, types: [...good.types, good.types[0]!] },
      "value %5 is defined by no input and no node",
    ],
    [
      "a value read before it is made",
      { ...good, nodes: [good.nodes[1]!, good.nodes[0]!, good.nodes[2]!] },
      "node 0 (neg) reads value %2 before any node or input defines it",
    ],
    ["a node that reads itself", withNode(1, { inputs: ids(3) }), "node 1 (neg) reads value %3 before"],
    [
      "a value defined twice",
      withNode(1, { output: 2 }),
      "node 1 (neg) defines value %2, as node 0 (matmul, head) does",
    ],
    ["an op that does not exist", withNode(0, { op: "einsum" }), "node 0 (einsum, head): no such op"],
    ["too few arguments", withNode(0, { inputs: ids(0) }), "matmul: takes 2 argument(s) (a, b); got 1 (node 0, head)"],
    [
      "arguments that do not fit",
      withNode(0, { inputs: ids(0, 0) }),
      "matmul: a f32[2,3] and b f32[2,3] must be [..., M, K] and [..., K, N] (node 0, head)",
    ],
    [
      "a missing attribute",
      withNode(2, { attrs: { low: [0, 1], high: [0, 0], mode: "constant" } }),
      "node 2 (pad): attribute value of pad: must be a number; got nothing",
    ],
    [
      "an unknown mode",
      withNode(2, { attrs: { low: [0, 1], high: [0, 0], mode: "wrap", value: 0 } }),
      'attribute mode of pad: must be "constant" or "reflect" or "edge"; got "wrap"',
    ],
    [
      "another recorded type",
      { ...good, types: good.types.map((type, id) => (id === 3 ? { ...type, shape: [2, 5] } : type)) },
      "node 1 (neg): value %3 is recorded as f32[2,5]; its inputs give f32[2,4]",
    ],
    [
      "an impossible recorded type",
      { ...good, types: good.types.map((type, id) => (id === 3 ? { ...type, shape: [2.5] } : type)) },
      "value %3: shape must be a list of integers >= 0; got [2.5]",
    ],
  ])("refuses %s", (_, graph, message) => {
    expect(() => verify(graph)).toThrow(message);
  });

  it("refuses a constant whose array and type differ", () => {
    const graph = build((b) => ({ y: b.constant({ type: { dtype: "i32", shape: [] }, data: f32([], [1]).data }) }));
    expect(() => verify(graph)).toThrow(
      "node 0 (constant): attribute value of constant: i32[] cannot be held in float32",
    );
  });
});

describe("print", () => {
  it("shows one line a node, with names and scopes", () => {
    const graph = build((b) => {
      const x = b.input("images", { dtype: "f32", shape: [8, 3, 4, 4] });
      const kernel = b.input("conv1.weight", { dtype: "f32", shape: [16, 3, 3, 3] });
      const attrs = {
        strides: [1, 1],
        padding: [
          [1, 1],
          [1, 1],
        ],
        dilations: [1, 1],
        groups: 1,
      } as const;
      const y = b.scope("layer1.0.conv1", () => b.apply("conv2d", [x, kernel], attrs));
      const table = b.constant(f32([10], [1, -0, 0.5, Number.NaN, 5, 6, 7, 8, 9, 10]));
      const border = { low: [1], high: [0], mode: "constant", value: -Infinity } as const;
      return { y, table: b.apply("pad", [table], border), zero: b.constant(-0) };
    });
    expect(print(graph)).toMatchInlineSnapshot(`
      "input  %0: f32[8,3,4,4]  "images"
      input  %1: f32[16,3,3,3]  "conv1.weight"
      %2: f32[8,16,4,4] = conv2d(%0, %1) {strides=[1,1], padding=[[1,1],[1,1]], dilations=[1,1], groups=1}  # layer1.0.conv1
      %3: f32[10] = constant() {value=[1, -0, 0.5, NaN, 5, 6, 7, 8, ... 2 more]}
      %4: f32[11] = pad(%3) {low=[1], high=[0], mode=constant, value=-Infinity}
      %5: f32[] = constant() {value=-0}
      output %2: f32[8,16,4,4]  "y"
      output %4: f32[11]  "table"
      output %5: f32[]  "zero"
      "
    `);
  });

  it("prints a graph that does not verify too, for that is when one looks", () => {
    expect(print({ ...good, types: [] })).toContain("%2: ? = matmul(%0, %1)  # head");
  });
});
