import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { build } from "../src/graph/builder.js";
import { type Graph, producersOf, type ValueId } from "../src/graph/graph.js";
import { verify } from "../src/graph/verify.js";
import { splitConcats } from "../src/passes/split-concats.js";
import { real } from "./building.js";

/** y = concat of `count` inputs along axis 1, each one wider than the one before. */
const joined = (count: number) =>
  build((b) => {
    const parts = Array.from({ length: count }, (_, i) => b.input(`x${i}`, real(2, i + 1)));
    return { y: b.scope("head", () => b.apply("concat", parts, { axis: 1 })) };
  });

/** Names of the graph's inputs in the order in which they lie in a value. */
function partsOf(graph: Graph, value: ValueId): readonly string[] {
  const producer = producersOf(graph)[value];
  if (producer !== undefined) return producer.inputs.flatMap((input) => partsOf(graph, input));
  return [Object.entries(graph.inputs).find(([, id]) => id === value)![0]];
}

describe("splitConcats", () => {
  it("joins pairs, then pairs of pairs; what is left over waits", () => {
    const { nodes, types } = splitConcats(joined(5), 2);
    expect(nodes.map(({ op, inputs, output, attrs, scope }) => ({ op, inputs, output, attrs, scope }))).toEqual(
      [
        { inputs: [0, 1], output: 5 },
        { inputs: [2, 3], output: 6 },
        { inputs: [5, 6], output: 7 },
        { inputs: [7, 4], output: 8 },
      ].map((each) => ({ op: "concat", ...each, attrs: { axis: 1 }, scope: "head" })),
    );
    expect(types.slice(5)).toEqual([real(2, 3), real(2, 7), real(2, 10), real(2, 15)]);
  });

  it("leaves a graph alone whose concats have no more parts", () => {
    const graph = joined(4);
    expect(splitConcats(graph, 4)).toBe(graph);
  });

  it("keeps every part in its place, and joins no more at once than it may", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2, max: 9 }), (count, most) => {
        const graph = joined(count);
        const after = splitConcats(graph, most);
        verify(after);
        expect(partsOf(after, after.outputs.y!)).toEqual(partsOf(graph, graph.outputs.y!));
        for (const { inputs } of after.nodes) expect(inputs.length).toBeLessThanOrEqual(most);
        expect(after.types[after.outputs.y!]).toEqual(graph.types[graph.outputs.y!]);
      }),
    );
  });
});
