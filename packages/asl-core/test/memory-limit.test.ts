import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, mul } from "../src/functions/elementwise.js";
import { build, type Value } from "../src/graph/builder.js";
import type { Graph, ValueId } from "../src/graph/graph.js";
import { verify } from "../src/graph/verify.js";
import { flopsOf } from "../src/passes/flops.js";
import { liveness } from "../src/passes/liveness.js";
import { limitMemory } from "../src/passes/memory-limit.js";
import type { ExecutionPlan } from "../src/passes/memory-model.js";
import { recompute } from "../src/passes/recompute.js";
import { BYTES_PER_ELEMENT, sizeOf } from "../src/types/tensor.js";
import { ops } from "./building.js";
import { formulas } from "./formulas.js";
import { randomCase } from "./random-graph.js";

describe("recompute", () => {
  it("repeats what late nodes read, right before the first of them, from what is kept", () => {
    const graph = build((b) => {
      const x = b.input("x", { dtype: "f32", shape: [4] });
      const kept = b.apply("exp", [x], {});
      const dropped = b.apply("neg", [kept], {});
      const early = b.apply("floor", [dropped], {});
      return { early, late: b.apply("sqrt", [b.apply("add", [b.apply("abs", [early], {}), dropped], {})], {}) };
    });
    const [, dropped] = graph.nodes;
    const { graph: changed, cut } = recompute({ graph, cut: 3 }, new Set([dropped!.output]));
    expect(ops(changed)).toEqual(["exp", "neg", "floor", "abs", "neg", "add", "sqrt"]);
    expect(cut).toBe(3);
    const [exp, , , , again, sum] = changed.nodes;
    expect(again!.inputs).toEqual([exp!.output]);
    expect(sum!.inputs).toContain(again!.output);
  });

  it("makes what only late nodes read once, behind the cut", () => {
    const graph = build((b) => {
      const x = b.input("x", { dtype: "f32", shape: [4] });
      const moved = b.apply("neg", [x], {});
      return { early: b.apply("exp", [x], {}), late: b.apply("abs", [moved], {}) };
    });
    const { graph: changed, cut } = recompute({ graph, cut: 2 }, new Set([graph.nodes[0]!.output]));
    expect([ops(changed), cut]).toEqual([["exp", "neg", "abs"], 1]);
  });

  it("gives a valid graph with the same signature, whatever is dropped and wherever the cut is", () => {
    fc.assert(
      fc.property(randomCase, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(6), ({ graph }, at, every) => {
        const values = graph.nodes.filter((_, i) => i % (every + 1) === 0).map(({ output }) => output);
        const { graph: changed, cut } = recompute({ graph, cut: Math.round(at * graph.nodes.length) }, new Set(values));
        verify(changed);
        expect(Object.keys(changed.inputs)).toEqual(Object.keys(graph.inputs));
        expect(Object.keys(changed.outputs)).toEqual(Object.keys(graph.outputs));
        expect(cut).toBeLessThanOrEqual(changed.nodes.length);
        const of = formulas();
        expect(of(changed)).toEqual(of(graph));
      }),
    );
  });
});

/** A backend that runs node by node and frees what is read no more. */
function plan(graph: Graph): ExecutionPlan {
  const { bufferOf, peakBytes } = liveness(graph);
  const isComputed = new Set(graph.nodes.filter(({ op }) => op !== "constant").map(({ output }) => output));
  const made = graph.types.flatMap((_, id) =>
    isComputed.has(id as ValueId) && bufferOf[id] === id ? [id as ValueId] : [],
  );
  const bytesOf = (id: ValueId) => BYTES_PER_ELEMENT[graph.types[id]!.dtype] * sizeOf(graph.types[id]!.shape);
  return {
    steps: graph.nodes.map(({ inputs, output }) => ({ reads: inputs.map((id) => bufferOf[id]!), writes: [output] })),
    bytes: new Map(made.map((id) => [id, bytesOf(id)])),
    plannedBytes: peakBytes,
  };
}

const SIZE = 64;
const BYTES = 4 * SIZE * SIZE;
const LAYERS = 16;

/** A chain of products with a matrix, then a second chain that reads each of their results, last first. */
const forwardAndBack = build((b) => {
  const type = { dtype: "f32", shape: [SIZE, SIZE] } as const;
  const weight = b.input("weight", type);
  const activations: Value[] = [b.input("x", type)];
  for (let layer = 0; layer < LAYERS; layer++) {
    activations.push(b.apply("matmul", [mul(activations.at(-1)!, 0.5), weight], {}));
  }
  const gradient = activations
    .slice(1)
    .reverse()
    .reduce((sum, each) => mul(add(sum, 1), each));
  return { gradient };
});

const flops = (graph: Graph) => graph.nodes.reduce((sum, node) => sum + flopsOf(node, graph.types), 0);

describe("limitMemory", () => {
  const unlimited = plan(forwardAndBack).plannedBytes;

  it("leaves alone what keeps the limit", () => {
    expect(limitMemory(forwardAndBack, { bytes: unlimited, plan }).graph).toBe(forwardAndBack);
  });

  it.each([0.8, 0.6, 0.5])("keeps %s of what it takes without, and repeats each product at most once", (share) => {
    const limited = limitMemory(forwardAndBack, { bytes: share * unlimited, plan });
    verify(limited.graph);
    expect(limited.plan.plannedBytes).toBeLessThanOrEqual(share * unlimited);
    expect(limited.plan.plannedBytes).toBe(plan(limited.graph).plannedBytes);
    expect(limited.repeatedFlops).toBe(flops(limited.graph) - flops(forwardAndBack));
    expect(ops(limited.graph).filter((op) => op === "matmul").length).toBeLessThan(2 * LAYERS);
    const of = formulas();
    expect(of(limited.graph)).toEqual(of(forwardAndBack));
  });

  it("keeps every bit of every output, whatever the graph and the limit", () => {
    fc.assert(
      fc.property(randomCase, fc.double({ min: 0, max: 1, noNaN: true }), ({ graph }, share) => {
        const limited = limitMemory(graph, { bytes: share * plan(graph).plannedBytes, plan });
        verify(limited.graph);
        const of = formulas();
        expect(of(limited.graph)).toEqual(of(graph));
      }),
    );
  });

  it("a lower limit repeats more", () => {
    const repeated = [1, 0.8, 0.6, 0.5].map(
      (share) => limitMemory(forwardAndBack, { bytes: share * unlimited, plan }).repeatedFlops,
    );
    expect(repeated).toEqual([...repeated].sort((a, b) => a - b));
    expect(repeated[0]).toBe(0);
  });

  it("gives the least that it has found where no choice keeps the limit", () => {
    const { plan: least } = limitMemory(forwardAndBack, { bytes: BYTES, plan });
    expect(least.plannedBytes).toBeGreaterThan(BYTES);
    expect(least.plannedBytes).toBeLessThan(0.6 * unlimited);
  });

  it("repeats elementwise chains before products", () => {
    const cheap = build((b) => {
      const type = { dtype: "f32", shape: [SIZE, SIZE] } as const;
      const product = b.apply("matmul", [b.input("x", type), b.input("weight", type)], {});
      const chain = [b.apply("exp", [product], {}), b.apply("abs", [product], {}), b.apply("neg", [product], {})];
      const early = chain.reduce((sum, each) => add(sum, each));
      const late = [...chain].reverse().reduce((sum, each) => mul(sum, each), b.apply("sigmoid", [early], {}));
      return { late: mul(late, product) };
    });
    const limited = limitMemory(cheap, { bytes: plan(cheap).plannedBytes - BYTES, plan });
    expect(limited.plan.plannedBytes).toBeLessThanOrEqual(plan(cheap).plannedBytes - BYTES);
    expect(ops(limited.graph).filter((op) => op === "matmul")).toHaveLength(1);
  });
});
