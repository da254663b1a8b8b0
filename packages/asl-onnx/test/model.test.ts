import { add, Builder, f32, GraphError, InputError, neg, OP_NAMES, type StateSpec } from "asl-core";
import { describe, expect, it } from "vitest";
import { LOWER } from "../src/lower/table.js";
import { toOnnxModel } from "../src/model.js";
import { WasmLayout, WasmState } from "../src/runtime/wasm-state.js";
import { runOnnx } from "./contract.js";

const vector = { dtype: "f32", shape: [2] } as const;
const x = f32([2], [1, -2]);

describe("toOnnxModel", () => {
  it("has a lowering for every op", () => {
    expect(Object.keys(LOWER).sort()).toEqual([...OP_NAMES].sort());
  });

  it("names nodes after their scopes, each once", () => {
    const builder = new Builder();
    const input = builder.input("x", vector);
    const y = builder.scope("layer1.0", () => neg(neg(input)));
    const { model } = toOnnxModel(builder.finish({ y, z: add(y, input) }));
    expect(model.graph.node.map(({ name }) => name)).toEqual(["layer1.0/Neg", "layer1.0/Neg_1", "Add"]);
  });

  it("leaves out inputs that no output depends on, and nodes that nothing reads", () => {
    const builder = new Builder();
    const used = builder.input("used", vector);
    neg(builder.input("unused", vector));
    const { model, inputs } = toOnnxModel(builder.finish({ y: neg(used) }));
    expect(inputs).toEqual(["used"]);
    expect(model.graph.node).toHaveLength(1);
  });

  it("gives one value under two names, an input as an output, and an output called like an input", async () => {
    const builder = new Builder();
    const input = builder.input("x", vector);
    const y = neg(input);
    const graph = builder.finish({ first: y, second: y, same: input, x: add(y, y) });
    expect(toOnnxModel(graph).outputs).toEqual({ first: "first", second: "second", same: "same", x: "x/out" });
    const results = await runOnnx(graph, { x });
    expect(Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]))).toEqual({
      first: [-1, 2],
      second: [-1, 2],
      same: [1, -2],
      x: [-2, 4],
    });
  });

  it("refuses outputs that cannot be named", () => {
    const builder = new Builder();
    const input = builder.input("x", vector);
    builder.input("x/out", vector);
    expect(() => toOnnxModel(builder.finish({ x: neg(input) }))).toThrow(GraphError);
  });

  it("imports the operator sets that it uses", () => {
    const builder = new Builder();
    const { model } = toOnnxModel(builder.finish({ y: neg(builder.input("x", vector)) }), {
      metadata: { model: "tiny" },
      producerName: "test",
    });
    expect(model).toMatchObject({
      irVersion: 8,
      producerName: "test",
      opsetImport: [{ domain: "", version: 17 }],
      metadataProps: [{ key: "model", value: "tiny" }],
    });
  });
});

describe("state in a WebAssembly memory", () => {
  it("is refused beyond 4 GiB before anything is allocated", () => {
    const entry: StateSpec[string] = {
      type: { dtype: "f32", shape: [2 ** 15, 2 ** 15] },
      role: "parameter",
      init: { kind: "zeros" },
    };
    const layout = new WasmLayout();
    new WasmState({ a: entry, b: entry }, layout);
    expect(() => layout.allocate()).toThrow(InputError);
    expect(() => layout.allocate()).toThrow(/8\.0 GiB; a WebAssembly memory holds 4 GiB.*update: "graph"/);
  });
});
