import { f32, optimize, type Tensors } from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluate, evaluateNode } from "asl-reference";
import { beforeAll, describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST, runOnce } from "../goldens/backends.js";
import { differences } from "./bits.js";
import { evaluateHostile } from "./hostile-backend.js";
import { ELEMENTS } from "./inputs.js";
import { EXACT_PROGRAMS, lossGraph } from "./programs.js";

const LEVELS = ["disabled", "basic", "extended", "layout", "all"] as const;
const RUNTIMES = LEVELS.flatMap((level) => [1, 2].map((threads) => ({ level, threads })));
const OTHERS = BACKENDS_UNDER_TEST.filter(
  ({ name, precision }) => precision === "f32" && !["reference-f32", "onnx"].includes(name),
);

it(`eight programs, ${ELEMENTS} inputs each`, () => {
  expect(EXACT_PROGRAMS).toHaveLength(8);
  for (const { feeds } of EXACT_PROGRAMS) {
    for (const { data } of Object.values(feeds())) expect(data).toHaveLength(131_072);
  }
});

describe.each(EXACT_PROGRAMS)("$name: no bit differs from the reference", ({ graph, feeds: makeFeeds }) => {
  const feeds = makeFeeds();
  let expected: Tensors;
  let none: Record<string, number>;

  beforeAll(() => {
    expected = evaluate(graph, feeds, { precision: "f32" });
    none = Object.fromEntries(Object.keys(expected).map((name) => [name, 0]));
  });

  it.each(RUNTIMES)("on onnx, optimisation $level, $threads thread(s)", async ({ level, threads }) => {
    const sessionOptions = { graphOptimizationLevel: level };
    const backend = onnxNodeBackend({ threads, sessionOptions, elementwise: "graph" });
    expect(differences(await runOnce(backend, graph, feeds), expected)).toEqual(none);
  });

  it.each([1, 2, 3])("in the loops of onnx, %d thread(s)", async (threads) => {
    const backend = onnxNodeBackend({ threads, elementwise: "loops" });
    expect(differences(await runOnce(backend, graph, feeds), expected)).toEqual(none);
  });

  it("after the passes, on the reference and on onnx", async () => {
    const optimized = optimize(graph, { evaluate: evaluateNode });
    expect(optimized.nodes.length).toBeLessThan(graph.nodes.length);
    expect(differences(evaluate(optimized, feeds, { precision: "f32" }), expected)).toEqual(none);
    for (const elementwise of ["loops", "graph"] as const) {
      expect(differences(await runOnce(onnxNodeBackend({ elementwise }), optimized, feeds), expected)).toEqual(none);
    }
  });

  it.each(OTHERS)("on $name", async ({ backend }) => {
    expect(differences(await runOnce(backend(), graph, feeds), expected)).toEqual(none);
  });

  it("where denormals are flushed, zeros have any sign, and sums run in another order", () => {
    const optimized = optimize(graph, { evaluate: evaluateNode });
    expect(differences(evaluateHostile(optimized, feeds), expected)).toEqual(none);
  });
});

it("the bits of an element do not depend on the shape of its batch", () => {
  const shape = [3, 5];
  const { feeds } = EXACT_PROGRAMS.at(-1)!;
  const options = { gammaNeg: 4, gammaPos: 1 };
  const whole = evaluate(lossGraph(options), feeds(), { precision: "f32" });
  const part: Tensors = Object.fromEntries(
    Object.entries(feeds()).map(([name, { data }]) => [name, f32(shape, data.slice(2000, 2015))]),
  );
  const few = evaluate(lossGraph(options, undefined, shape), part, { precision: "f32" });
  expect(few.elements!.data).toEqual(whole.elements!.data.slice(2000, 2015));
  expect(few.gradient!.data).toEqual(whole.gradient!.data.slice(2000, 2015));
});
