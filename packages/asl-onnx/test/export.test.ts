import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  add,
  Builder,
  evaluateProgram,
  f32,
  type Graph,
  GraphError,
  initialize,
  type Model,
  mul,
  OPS,
  reduceSum,
  reshape,
  sizeOf,
  type TensorData,
  type Tensors,
  tresnet,
  tresnetConfig,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import * as runtime from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { exportOnnx } from "../src/export/export.js";
import { readOnnxMetadata } from "../src/export/read-metadata.js";
import { decodeModel } from "../src/proto/decode.js";
import { encodeModel } from "../src/proto/encode.js";
import { DATA_TYPE } from "../src/proto/messages.js";
import { onnxBackend } from "../src/runtime/backend.js";
import { openOnnxModel } from "../src/runtime/open-model.js";
import { noise } from "./contract.js";

const IMAGE_SIZE = 32;
const model: Model = tresnet(tresnetConfig("tresnet_m", { classes: 6, blocks: [1, 1, 1, 1], widthFactor: 0.125 }));
const graphOf = (batch: number): Graph => evaluateProgram({ model, batchSize: batch, imageSize: IMAGE_SIZE }).graph;

/** Initial weights with batch norm that does something: random scales, offsets and running statistics. */
function trainedState(): Tensors {
  const entries = Object.entries(initialize(model.state, 3)).map(([name, tensor], i): [string, TensorData] => {
    if (tensor.type.shape.length !== 1) return [name, tensor];
    const random = noise(tensor.type.shape, i + 1).data;
    const positive = name.endsWith("running_var");
    return [
      name,
      f32(
        tensor.type.shape,
        Float32Array.from(random, (x) => (positive ? 1 + x / 2 : x)),
      ),
    ];
  });
  return Object.fromEntries(entries);
}

/**
 * With u = 2^-24, L the largest logit and D ops in a row whose contract is a sum's, a few roundings by each that add up
 * but do not grow:
 *   |difference| <= 4 D u L
 */
function agreementBound(graph: Graph, largestLogit: number): number {
  const depths = graph.types.map(() => 0);
  for (const { op, inputs, output } of graph.nodes) {
    const before = Math.max(0, ...inputs.map((input) => depths[input]!));
    depths[output] = before + Number(OPS[op].accuracy.kind === "sum");
  }
  return 4 * Math.max(...depths) * 2 ** -24 * largestLogit;
}

const state = trainedState();
const metadata = { labels: JSON.stringify(["a", "b"]), threshold: "0.8", empty: "", unicode: "Zürich 🐕" };
const dynamic = exportOnnx({ graph: graphOf, state, batch: "dynamic", metadata, producerVersion: "1.2.3" });

const imagesOf = (batch: number): TensorData => {
  const shape = [batch, 3, IMAGE_SIZE, IMAGE_SIZE];
  return f32(shape, Float32Array.from(noise(shape, batch).data, Math.abs));
};

describe("an exported TResNet", () => {
  it("has no batch norm left: convolutions with a bias, activations, pools, SE", () => {
    const { graph } = decodeModel(dynamic);
    const operators = new Set(graph.node.map(({ opType }) => opType));
    for (const opType of ["Div", "Sqrt", "Sub", "Identity", "Expand", "Transpose"]) {
      expect(operators.has(opType), opType).toBe(opType === "Div");
    }
    expect(operators.has("SpaceToDepth")).toBe(true);
    expect(operators.has("LeakyRelu")).toBe(true);
    const isBlur = (node: (typeof graph.node)[number]) =>
      node.attribute.some(({ name, i }) => name === "group" && i !== 1);
    for (const node of graph.node.filter(({ opType }) => opType === "Conv")) {
      expect(node.input.length, node.name).toBe(isBlur(node) ? 2 : 3);
    }
  });

  it("names nodes after their scopes", () => {
    const names = decodeModel(dynamic).graph.node.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.some((name) => name.startsWith("body.layer1.0.conv1.1/Conv"))).toBe(true);
  });

  it("has a symbolic batch, and metadata", () => {
    expect(readOnnxMetadata(dynamic)).toEqual({
      metadata,
      inputs: { images: { dtype: "f32", shape: ["batch", 3, IMAGE_SIZE, IMAGE_SIZE] } },
      outputs: { logits: { dtype: "f32", shape: ["batch", 6] } },
      opset: 17,
      producerName: "asl-onnx",
      producerVersion: "1.2.3",
    });
  });

  for (const batch of [1, 2, 7]) {
    it(`gives the session's and the reference's logits at batch ${batch}`, async () => {
      const images = imagesOf(batch);
      await using opened = await openOnnxModel(dynamic, { runtime, threads: 1 });
      const { logits } = await opened.run({ images });
      const program = evaluateProgram({ model, batchSize: batch, imageSize: IMAGE_SIZE });
      await using session = await onnxBackend({ runtime, threads: 1 }).compile(model.state, { program });
      await session.write(state);
      const own = (await session.run("program", { images })).logits!;
      const exact = evaluate(program.graph, { images, ...state }, { precision: "f64" }).logits!;
      expect(logits!.type).toEqual(own.type);
      const bound = agreementBound(program.graph, Math.max(...Array.from(exact.data, Math.abs)));
      exact.data.forEach((value, i) => {
        expect(Math.abs(logits!.data[i]! - value)).toBeLessThanOrEqual(bound);
        expect(Math.abs(logits!.data[i]! - own.data[i]!)).toBeLessThanOrEqual(bound);
      });
    });
  }

  it("with a fixed batch says so", async () => {
    const fixed = exportOnnx({ graph: graphOf, state, batch: 2 });
    expect(readOnnxMetadata(fixed).inputs.images!.shape).toEqual([2, 3, IMAGE_SIZE, IMAGE_SIZE]);
    await using opened = await openOnnxModel(fixed, { runtime, threads: 1 });
    await expect(opened.run({ images: imagesOf(3) })).rejects.toThrow(
      /input "images" must be f32\[2,3,32,32\]; got f32\[3,3,32,32\]/,
    );
  });
});

describe("exportOnnx", () => {
  const builds = (body: (x: Value, batch: number) => Value) => (batch: number) => {
    const builder = new Builder();
    return builder.finish({
      y: builder.scope("here", () => body(builder.input("x", { dtype: "f32", shape: [batch, 4] }), batch)),
    });
  };
  const dynamicOf = (body: (x: Value, batch: number) => Value) =>
    exportOnnx({ graph: builds(body), state: {}, batch: "dynamic" });

  it("handles an axis that is a multiple of the batch", async () => {
    const bytes = dynamicOf((x, batch) => reshape(x, [batch * 2, 2]));
    expect(readOnnxMetadata(bytes).outputs.y!.shape).toEqual(["2*batch", 2]);
    await using opened = await openOnnxModel(bytes, { runtime });
    expect((await opened.run({ x: noise([5, 4]) })).y!.type.shape).toEqual([10, 2]);
  });

  it("repeats along the batch at run time", async () => {
    const bytes = dynamicOf((x, batch) => {
      const sums = reduceSum(x, [0]);
      return x.builder.apply("broadcast", [sums], { shape: [batch, 4], axes: [1] });
    });
    await using opened = await openOnnxModel(bytes, { runtime });
    const { y } = await opened.run({ x: f32([3, 4], [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]) });
    expect([...y!.data]).toEqual([3, 6, 9, 12, 3, 6, 9, 12, 3, 6, 9, 12]);
  });

  it("refuses what depends on the batch in another way, and names the node", () => {
    expect(() => dynamicOf((x, batch) => mul(x, batch))).toThrow(GraphError);
    expect(() => dynamicOf((x, batch) => mul(x, batch))).toThrow(/constant .* holds other numbers/);
    expect(() => dynamicOf((x, batch) => (batch === 2 ? x : add(x, x)))).toThrow(/0 nodes at batch 2 and 1 at 3/);
    expect(() => dynamicOf((x, batch) => reshape(x, [batch * 4]))).not.toThrow();
  });

  it("refuses state that does not fit", () => {
    const graph = builds((x) => x);
    expect(() => exportOnnx({ graph, state: { w: f32([1], [1]) }, batch: 1 })).toThrow(/"w" is not an input/);
    expect(() => exportOnnx({ graph, state: { x: f32([1], [1]) }, batch: 1 })).toThrow(
      /must be f32\[1,4\]; got f32\[1\]/,
    );
    expect(() => exportOnnx({ graph, state: {}, batch: 0 })).toThrow(/batch must be/);
  });

  it("keeps state that a run reads as it is under its own name", () => {
    const graph = (batch: number) => {
      const builder = new Builder();
      const x = builder.input("x", { dtype: "f32", shape: [batch, 4] });
      const w = builder.input("fc.weight", { dtype: "f32", shape: [4] });
      return builder.finish({ y: mul(x, builder.apply("broadcast", [w], { shape: [batch, 4], axes: [1] })) });
    };
    const bytes = exportOnnx({ graph, state: { "fc.weight": f32([4], [1, 2, 3, 4]) }, batch: "dynamic" });
    expect(decodeModel(bytes).graph.initializer.map(({ name }) => name)).toEqual(["fc.weight"]);
  });
});

describe("files", () => {
  it("that are no models are refused", () => {
    expect(() => readOnnxMetadata(new Uint8Array(0))).toThrow(/not an ONNX model: 0 bytes/);
    expect(() => readOnnxMetadata(new TextEncoder().encode("this is a text file"))).toThrow(/not an ONNX model/);
    expect(() => readOnnxMetadata(dynamic.slice(0, 1000))).toThrow(/not an ONNX model/);
  });

  it("whose outputs hold bytes are refused when they are opened", async () => {
    const model = decodeModel(dynamic);
    model.graph.output[0]!.type.tensorType.elemType = DATA_TYPE.uint8;
    await expect(openOnnxModel(encodeModel(model), { runtime })).rejects.toThrow(/output "logits" holds bytes; f32/);
  });

  const python = "/usr/bin/python3";
  const hasChecker = (() => {
    try {
      execFileSync(python, ["-c", "import onnx"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  })();
  const folder = mkdtempSync(path.join(tmpdir(), "asl-onnx-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.skipIf(!hasChecker)("pass onnx.checker with full_check (needs Debian's python3-onnx)", () => {
    const check = (bytes: Uint8Array): string => {
      const file = path.join(folder, "model.onnx");
      writeFileSync(file, bytes);
      const script = "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True); print('ok')";
      return execFileSync(python, ["-c", script, file], { encoding: "utf8" }).trim();
    };
    it("dynamic batch", () => {
      expect(check(dynamic)).toBe("ok");
    });
    it("fixed batch", () => {
      expect(check(exportOnnx({ graph: graphOf, state, batch: 1 }))).toBe("ok");
    });
    it("the whole TResNet-M", () => {
      const large = tresnet(tresnetConfig("tresnet_m", { classes: 80 }));
      const weights = Object.fromEntries(
        Object.entries(large.state).map(([name, { type }]) => [
          name,
          f32(type.shape, new Float32Array(sizeOf(type.shape)).fill(0.01)),
        ]),
      );
      const graph = (batch: number) => evaluateProgram({ model: large, batchSize: batch, imageSize: 224 }).graph;
      const bytes = exportOnnx({ graph, state: weights, batch: "dynamic" });
      expect(check(bytes)).toBe("ok");
    });
  });
});
