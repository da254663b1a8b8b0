import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { build } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import { verify } from "../src/graph/verify.js";
import { asymmetricLossOptimized } from "../src/losses/asymmetric.js";
import { tresnet } from "../src/models/tresnet.js";
import { liveness } from "../src/passes/liveness.js";
import { repeatElementwise } from "../src/passes/repeat-elementwise.js";
import { trainProgram } from "../src/program/programs.js";
import { ops } from "./building.js";
import { formulas } from "./formulas.js";
import { randomCase } from "./random-graph.js";

/** Bytes that are made before a node and read after it, at most. */
const peak = (graph: Graph) => liveness(graph).peakBytes;

describe("repeatElementwise", () => {
  const type = { dtype: "f32", shape: [64, 64] } as const;

  it("keeps the product and makes its activation again for the late reader", () => {
    const graph = build((b) => {
      const [x, w] = [b.input("x", type), b.input("w", type)];
      const product = b.apply("matmul", [x, w], {});
      const active = b.apply("exp", [product], {});
      const next = b.apply("matmul", [b.apply("matmul", [active, active], {}), w], {});
      return { late: b.apply("mul", [b.apply("mul", [next, product], {}), active], {}) };
    });
    expect(ops(repeatElementwise(graph))).toEqual(["matmul", "exp", "matmul", "matmul", "mul", "exp", "mul"]);
  });

  it("keeps a sum of two products: to make it again, both would have to wait", () => {
    const graph = build((b) => {
      const [x, w] = [b.input("x", type), b.input("w", type)];
      const sum = b.apply("add", [b.apply("matmul", [x, w], {}), b.apply("matmul", [w, x], {})], {});
      const next = b.apply("matmul", [sum, sum], {});
      return { late: b.apply("mul", [next, sum], {}) };
    });
    expect(ops(repeatElementwise(graph))).toEqual(ops(graph));
  });

  it("keeps every bit of every output, whatever the graph", () => {
    fc.assert(
      fc.property(randomCase, ({ graph }) => {
        const changed = repeatElementwise(graph);
        verify(changed);
        const of = formulas();
        expect(of(changed)).toEqual(of(graph));
      }),
    );
  });

  it("takes a training step of a TResNet from two kept values per convolution to one", () => {
    const model = tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 3 });
    const { graph } = trainProgram({
      model,
      batchSize: 8,
      imageSize: 96,
      loss: (logits, targets) => asymmetricLossOptimized(logits, targets, { targets: "hard" }),
    });
    const changed = repeatElementwise(graph);
    expect(peak(changed) / peak(graph)).toBeLessThan(0.85);
    const of = formulas();
    expect(of(changed)).toEqual(of(graph));
  });
});
