import { abs, Builder, cast, f32, type Graph, gather, min, type Value } from "asl-core";
import { evaluate } from "asl-reference";
import * as runtime from "onnxruntime-node";
import { expect, it } from "vitest";
import { sessionFusions } from "../src/fusions/session.js";
import { toOnnxModel } from "../src/model.js";
import { onnxBackend } from "../src/runtime/backend.js";
import { expectSameBits, noise } from "./contract.js";

const SHAPE = [64, 100] as const;

/** Three tables of one length and one of another at the same indices. */
function graphOf(shape: readonly number[]): Graph {
  const builder = new Builder();
  const x = builder.input("x", { dtype: "f32", shape });
  const index = cast(min(abs(x), 6), "i32");
  const tableOf = (seed: number, length: number): Value => builder.constant(f32([length], noise([length], seed).data));
  const tables = [tableOf(1, 7), tableOf(2, 7), tableOf(3, 9), tableOf(4, 7)];
  return builder.finish(Object.fromEntries(tables.map((table, i) => [`y${i}`, gather(table, index)])));
}

const gathersIn = (graph: Graph) => {
  const { model } = toOnnxModel(graph, { fusions: sessionFusions({ blockSize: undefined }) });
  return model.graph.node.filter(({ opType }) => opType === "Gather").length;
};

it("tables that are read at the same indices are read once, then a column for each", async () => {
  const graph = graphOf(SHAPE);
  const feeds = { x: noise(SHAPE, 5, 9) };
  // one of rows, three columns, and the table of another length
  expect(gathersIn(graph)).toBe(5);
  const backend = onnxBackend({ runtime, elementwise: "graph" });
  await using session = await backend.compile({}, { step: { graph, reads: {}, writes: {}, finite: [] } });
  const results = await session.run("step", feeds);
  for (const [name, { type, data }] of Object.entries(evaluate(graph, feeds, { precision: "f32" }))) {
    expect(results[name]!.type).toEqual(type);
    expectSameBits(results[name]!.data, data);
  }
});

it("few indices are left as they are", () => {
  expect(gathersIn(graphOf([3, 5]))).toBe(4);
});
