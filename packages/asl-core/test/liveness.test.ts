import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { build } from "../src/graph/builder.js";
import { liveness } from "../src/passes/liveness.js";
import { real } from "./building.js";
import { randomCase } from "./random-graph.js";
import { f32 } from "./tensors.js";

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
