import { describe, expect, it } from "vitest";
import type { GraphProto } from "../src/proto/messages.js";
import { discard } from "../src/runtime/discard.js";
import { gradientsAsTheyCome } from "../src/runtime/execution-order.js";

describe("gradientsAsTheyCome", () => {
  it("puts what nothing reads last, the latest first, and leaves the rest", () => {
    const node = (name: string, input: string[]) => ({
      name,
      opType: "Neg",
      domain: "",
      input,
      output: [name],
      attribute: [],
    });
    const nodes = [
      node("a", ["x"]),
      node("gradB", ["a"]),
      node("c", ["a"]),
      node("gradD", ["c"]),
      node("gradE", ["c"]),
    ];
    const graph: GraphProto = { name: "step", node: nodes, initializer: [], input: [], output: [] };
    expect(gradientsAsTheyCome(graph).node.map(({ name }) => name)).toEqual(["a", "c", "gradE", "gradD", "gradB"]);
  });
});

describe("discard", () => {
  it("takes the memory of arrays, two of one buffer included", () => {
    const buffer = new ArrayBuffer(16);
    const arrays = [new Float32Array(buffer, 0, 2), new Float32Array(buffer, 8, 2), new Int32Array(3)];
    discard(arrays);
    expect(arrays.map(({ length }) => length)).toEqual([0, 0, 0]);
  });
});
