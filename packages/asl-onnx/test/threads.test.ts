import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  add,
  Builder,
  f32,
  type Graph,
  graphToJson,
  mul,
  type Program,
  reduceMax,
  reduceSum,
  type Tensors,
  type Value,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { expectSameBits, noise } from "./contract.js";

/** Long enough to be divided, with a last part and rows that end within a vector. */
const SHAPE = [67, 1031] as const;

function graphOf(): Graph {
  const builder = new Builder();
  const x = builder.input("x", { dtype: "f32", shape: SHAPE });
  let y: Value = x;
  for (let i = 0; i < 4; i++) y = add(mul(y, 0.5), x);
  return builder.finish({ y, most: reduceMax(y), rows: reduceSum(mul(y, 2), [1]), total: reduceSum(y) });
}

function expectSame(actual: Tensors, expected: Tensors): void {
  for (const [name, { data }] of Object.entries(expected)) expectSameBits(actual[name]!.data, data);
}

const program: Program = { graph: graphOf(), reads: {}, writes: {}, finite: [] };

describe("threads for loops", () => {
  it("give the same bits however many there are, at every run", async () => {
    const runs = [noise(SHAPE, 1), noise(SHAPE, 2)].map((x) => ({ x }));
    const results = [];
    for (const threads of [1, 2, 3, 16]) {
      await using session = await onnxNodeBackend({ threads }).compile({}, { step: program });
      results.push([await session.run("step", runs[0]!), await session.run("step", runs[1]!)]);
    }
    for (const each of results) for (const i of [0, 1]) expectSame(each[i]!, results[0]![i]!);
    const { y, most } = evaluate(program.graph, runs[1]!, { precision: "f32" });
    expectSameBits(results[0]![1]!.y!.data, y!.data);
    expectSameBits(results[0]![1]!.most!.data, most!.data);
  });

  it("work for sessions side by side", async () => {
    await using one = await onnxNodeBackend({ threads: 2 }).compile({}, { step: program });
    await using other = await onnxNodeBackend({ threads: 2 }).compile({}, { step: program });
    const feeds = { x: f32(SHAPE, noise(SHAPE, 3).data) };
    const [a, b] = await Promise.all([one.run("step", feeds), other.run("step", feeds)]);
    expectSame(a, b);
  });

  it("do not keep a process alive that forgets its session", async () => {
    const script = `
      import { f32, graphFromJson } from "asl-core";
      import { onnxNodeBackend } from "asl-onnx/node";
      const graph = graphFromJson(JSON.parse(process.argv[1]));
      const program = { graph, reads: {}, writes: {}, finite: [] };
      const session = await onnxNodeBackend({ threads: 2 }).compile({}, { step: program });
      const x = f32([${SHAPE}], new Float32Array(${SHAPE[0] * SHAPE[1]}).fill(1));
      console.log((await session.run("step", { x })).most.data[0]);
    `;
    const args = ["--input-type=module", "--eval", script, JSON.stringify(graphToJson(program.graph))];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 60_000 });
    expect(stdout.trim()).toBe("1.9375");
  });
});
