import { add, build, f32, type Graph, InputError, i32, log, mul, neg, reshape } from "asl-core";
import { describe, expect, it } from "vitest";
import { evaluate, evaluateNode, nodeEvaluator } from "../src/evaluate.js";
import { f64 } from "./apply.js";

const vector = { dtype: "f32", shape: [2] } as const;

/** y = -(a + b) */
const negatedSum: Graph = build((b) => ({ y: neg(add(b.input("a", vector), b.input("b", vector))) }));

describe("evaluate", () => {
  it("runs a graph on named inputs", () => {
    const { y } = evaluate(negatedSum, { a: f32([2], [1, 2]), b: f32([2], [3, 4]) }, { precision: "f64" });
    expect(y).toEqual(f64([2], [-4, -6]));
  });

  it.each([
    ["a missing input", { a: f32([2], [1, 2]) }, 'input "b" f32[2] is missing'],
    [
      "an unknown input",
      { a: f32([2], [1, 2]), b: f32([2], [1, 2]), c: f32([2], [1, 2]) },
      'no input is called "c"; the graph takes a, b',
    ],
    [
      "an input of another shape",
      { a: f32([3], [1, 2, 3]), b: f32([2], [1, 2]) },
      'input "a" must be f32[2]; got f32[3]',
    ],
    ["an input of another dtype", { a: i32([2], [1, 2]), b: f32([2], [1, 2]) }, 'input "a" must be f32[2]; got i32[2]'],
    [
      "an array of the wrong class",
      { a: { type: vector, data: Int32Array.of(1, 2) }, b: f32([2], [1, 2]) },
      '"a" says f32[2] but holds a Int32Array of 2 elements; expected 2 elements in a Float32Array or Float64Array',
    ],
    [
      "an array of the wrong length",
      { a: { type: vector, data: Float32Array.of(1) }, b: f32([2], [1, 2]) },
      '"a" says f32[2] but holds a Float32Array of 1 elements; expected 2 elements in a Float32Array or Float64Array',
    ],
  ])("refuses %s", (_what, feeds, message) => {
    const run = () => evaluate(negatedSum, feeds, { precision: "f64" });
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });

  it("returns arrays that are nobody else's, even where the graph only renames its input", () => {
    const graph = build((b) => {
      const x = b.input("x", vector);
      return { x, again: x, reshaped: reshape(x, [2, 1]) };
    });
    const x = f64([2], [1, 2]);
    const outputs = evaluate(graph, { x }, { precision: "f64" });
    const arrays = [x.data, outputs.x!.data, outputs.again!.data, outputs.reshaped!.data];
    expect(new Set(arrays.map((array) => array.buffer)).size).toBe(4);
  });

  it("keeps an output that later nodes read too, and a value read twice by one node", () => {
    const graph = build((b) => {
      const x = b.input("x", vector);
      const square = mul(x, x);
      return { square, fourth: mul(square, square) };
    });
    const outputs = evaluate(graph, { x: f64([2], [2, 3]) }, { precision: "f64" });
    expect(outputs.square).toEqual(f64([2], [4, 9]));
    expect(outputs.fourth).toEqual(f64([2], [16, 81]));
  });

  it("carries numbers of the graph in float64", () => {
    const graph = build((b) => ({ y: mul(b.input("x", { dtype: "f32", shape: [] }), b.constant(0.1)) }));
    expect(evaluate(graph, { x: f64([], [3]) }, { precision: "f64" }).y!.data[0]).toBe(3 * 0.1);
  });
});

describe("evaluateNode", () => {
  const graph = build((b) => ({ y: log(b.input("x", vector)) }));
  const node = graph.nodes[0]!;

  it("computes one node in float32", () => {
    const result = evaluateNode(node, [f64([2], [1, 3])], vector);
    expect(result).toEqual(f32([2], [0, Math.log(3)]));
  });

  it("computes one node in float64 where asked", () => {
    expect(nodeEvaluator("f64")(node, [f32([2], [1, 3])], vector)).toEqual(f64([2], [0, Math.log(3)]));
  });
});
