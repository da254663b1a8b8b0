import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraphError } from "../src/errors/errors.js";
import { fromBase64, toBase64 } from "../src/graph/base64.js";
import { build } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import { type GraphJson, graphFromJson, graphToJson } from "../src/graph/json.js";
import { littleEndianBytes } from "../src/graph/tensor-json.js";
import { randomCase } from "./random-graph.js";
import { bool, f32, i32, type TensorData } from "./tensors.js";

const overTheWire = (graph: Graph): Graph => graphFromJson(JSON.parse(JSON.stringify(graphToJson(graph))));

const ofConstant = (value: TensorData) => build((b) => ({ y: b.constant(value) }));
const constantOf = (graph: Graph): TensorData => {
  const node = graph.nodes[0]!;
  if (node.op !== "constant") throw new Error("not a constant");
  return node.attrs.value;
};

describe("a graph through JSON", () => {
  it("comes back equal, whatever it holds", () => {
    fc.assert(
      fc.property(randomCase, ({ graph }) => {
        expect(overTheWire(graph)).toStrictEqual(graph);
      }),
    );
  });

  it.each([
    ["float32 with a NaN that carries a payload", f32([1], new Float32Array(Uint32Array.of(0x7fc0beef).buffer))],
    ["float32 specials", f32([4], [Number.NaN, -0, Infinity, -Infinity])],
    ["float32 subnormal and rounded numbers", f32([3], [1e-45, 0.1, 3.4e38])],
    ["float64 kept by a float64 interpreter", f32([3], Float64Array.of(0.1, 1e300, Number.NaN))],
    [
      "many float64",
      f32(
        [100],
        Float64Array.from({ length: 100 }, (_, i) => 1 / (i + 1)),
      ),
    ],
    ["int32", i32([3], [-(2 ** 31), 0, 2 ** 31 - 1])],
    [
      "many int32",
      i32(
        [10, 10],
        Int32Array.from({ length: 100 }, (_, i) => i * -7),
      ),
    ],
    ["bool", bool([2, 2], [1, 0, 0, 1])],
    ["no element", f32([0, 3], [])],
  ])("keeps every bit of a constant: %s", (_, value) => {
    const back = constantOf(overTheWire(ofConstant(value)));
    expect(back.type).toEqual(value.type);
    expect(back.data.constructor).toBe(value.data.constructor);
    expect(Array.from(littleEndianBytes(back.data))).toEqual(Array.from(littleEndianBytes(value.data)));
  });

  it("shows few finite elements as numbers and all others as base64", () => {
    const dataOf = (value: TensorData) =>
      (graphToJson(ofConstant(value)).nodes[0]!.attrs.value as { data: unknown }).data;
    expect(dataOf(f32([2], [0.5, -3]))).toEqual([0.5, -3]);
    // 1.0f is 00 00 80 3f in little-endian order, -0 is 00 00 00 80
    expect(dataOf(f32([2], [1, -0]))).toBe(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]).toString("base64"));
    expect(typeof dataOf(f32([65], new Float32Array(65)))).toBe("string");
  });

  it("keeps a border value that JSON cannot write", () => {
    for (const value of [Number.NaN, -0, Infinity, -Infinity, 0.1]) {
      const graph = build((b) => ({
        y: b.apply("pad", [b.input("x", { dtype: "f32", shape: [2] })], {
          low: [1],
          high: [0],
          mode: "constant",
          value,
        }),
      }));
      expect(overTheWire(graph)).toStrictEqual(graph);
    }
  });

  it("keeps names that mean something to JavaScript objects", () => {
    const graph = build((b) => ({ constructor: b.input("toString", { dtype: "f32", shape: [] }) }));
    expect(overTheWire(graph)).toStrictEqual(graph);
    const text = JSON.stringify(graphToJson(graph)).replace('"toString"', '"__proto__"');
    expect(Object.keys(graphFromJson(JSON.parse(text)).inputs)).toEqual(["__proto__"]);
  });
});

describe("JSON that is not a graph is refused, and the message names the place", () => {
  const good = graphToJson(
    build((b) => {
      const x = b.input("x", { dtype: "f32", shape: [2, 2] });
      return b.scope("layer1", () => ({
        y: b.apply("transpose", [b.apply("mul", [x, b.constant(f32([2, 2], [1, 2, 3, 4]))], {})], {
          permutation: [1, 0],
        }),
      }));
    }),
  );
  const withNode = (index: number, change: object): unknown => ({
    ...good,
    nodes: good.nodes.map((node, i) => (i === index ? { ...node, ...change } : node)),
  });
  const tensor = { dtype: "f32", shape: [2, 2], storage: "float32" };

  it("(the unchanged JSON is accepted)", () => {
    expect(graphToJson(graphFromJson(good))).toEqual(good);
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "the graph must be a JSON object; got nothing"],
    ["null", null, "the graph must be a JSON object; got null"],
    ["another format", { format: "onnx" }, 'format must be "asl-graph"; got "onnx"'],
    ["a later version", { ...good, version: 2 }, "graph of version 2; this release reads version 1"],
    ["types that are no list", { ...good, types: {} }, "types must be a list; got {}"],
    [
      "a negative extent",
      { ...good, types: [{ dtype: "f32", shape: [-1] }] },
      "type of value %0: shape must be a list of integers >= 0; got [-1]",
    ],
    [
      "too many elements",
      { ...good, types: [{ dtype: "f32", shape: [1e9, 1e9] }] },
      "more elements than can be counted",
    ],
    [
      "an unknown dtype",
      { ...good, types: [{ dtype: "f16", shape: [] }] },
      'dtype must be f32, i32 or bool; got "f16"',
    ],
    [
      "an unknown op",
      withNode(1, { op: "toString" }),
      'node 1: no op is called "toString"; this release knows constant, neg',
    ],
    ["a missing scope", withNode(1, { scope: undefined }), "node 1 (mul): scope must be a text"],
    ["a fractional argument", withNode(1, { inputs: [0, 0.5] }), "node 1 (mul, layer1): 0.5 is not a value's number"],
    [
      "an argument outside",
      withNode(1, { inputs: [0, 99] }),
      "node 1 (mul, layer1): value %99 is outside the 4 values of the graph",
    ],
    [
      "an extra attribute",
      withNode(1, { attrs: { axis: 1 } }),
      'node 1 (mul, layer1): mul has no attribute "axis"; it has none',
    ],
    [
      "attributes that are no object",
      withNode(1, { attrs: [] }),
      "node 1 (mul, layer1): attributes of mul must be an object",
    ],
    [
      "a missing attribute",
      withNode(2, { attrs: {} }),
      "node 2 (transpose, layer1): attribute permutation of transpose: must be a list of integers >= 0; got nothing",
    ],
    [
      "a wrong attribute",
      withNode(2, { attrs: { permutation: [0, 0] } }),
      "transpose: permutation [0,0] must order the 2 axes of x f32[2,2] (node 2, layer1)",
    ],
    [
      "a constant without data",
      withNode(0, { attrs: { value: tensor } }),
      "attribute value of constant: data must be a list of numbers or a base64 text",
    ],
    [
      "a constant of other length",
      withNode(0, { attrs: { value: { ...tensor, data: [1] } } }),
      "f32[2,2] needs 4 elements; got 1",
    ],
    [
      "a number that is no float32",
      withNode(0, { attrs: { value: { ...tensor, data: [1, 2, 3, 0.1] } } }),
      "element 3: 0.1 is not a float32",
    ],
    [
      "storage of another dtype",
      withNode(0, { attrs: { value: { ...tensor, storage: "int32", data: [1] } } }),
      'storage "int32" does not hold f32',
    ],
    ["bad base64", withNode(0, { attrs: { value: { ...tensor, data: "AAA?" } } }), 'letter 3 of a base64 text is "?"'],
    [
      "base64 of half an element",
      withNode(0, { attrs: { value: { ...tensor, data: "AAA=" } } }),
      "float32 elements have 4 bytes; got 2 bytes",
    ],
    [
      "a bool of 2",
      withNode(0, { attrs: { value: { dtype: "bool", shape: [1], storage: "uint8", data: [2] } } }),
      "bool elements must be 0 or 1",
    ],
  ])("%s", (_, json, message) => {
    expect(() => graphFromJson(json)).toThrow(message);
  });

  it("any one value replaced by any other is refused with an AslError or gives a graph that verifies", () => {
    fc.assert(
      fc.property(randomCase, fc.nat(), fc.jsonValue(), ({ graph }, at, replacement) => {
        const json = JSON.parse(JSON.stringify(graphToJson(graph))) as GraphJson;
        replaceNth(json, at, replacement);
        try {
          graphFromJson(json);
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^ERR_ASL_(GRAPH|SHAPE)$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Replaces one of all the values inside a JSON value, the `at`-th modulo their number. */
function replaceNth(json: object, at: number, replacement: unknown): void {
  const places: [object, string][] = [];
  const visit = (parent: object): void => {
    for (const [key, child] of Object.entries(parent)) {
      places.push([parent, key]);
      if (typeof child === "object" && child !== null) visit(child);
    }
  };
  visit(json);
  const [parent, key] = places[at % places.length]!;
  (parent as Record<string, unknown>)[key] = replacement;
}

describe("base64", () => {
  it("is RFC 4648's", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it("refuses text that is cut off", () => {
    expect(() => fromBase64("AAA")).toThrow(GraphError);
    expect(() => fromBase64("A===")).toThrow(GraphError);
  });
});
