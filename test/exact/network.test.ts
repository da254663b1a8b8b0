import { readCheckpoint, readSafetensors } from "asl-checkpoint";
import {
  type Backend,
  evaluateProgram,
  InputError,
  initialize,
  type NetworkOptions,
  optimize,
  type Program,
  type TensorData,
  trainProgram,
  tresnet,
} from "asl-core";
import { exportOnnx } from "asl-onnx";
import { onnxNodeBackend, openOnnxModelNode } from "asl-onnx/node";
import { evaluateNode, referenceBackend } from "asl-reference";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST } from "../goldens/backends.js";
import { fixture } from "../goldens/fixtures.js";
import { NETWORKS } from "../goldens/networks.js";
import { evaluateHostile } from "./hostile-backend.js";
import { LOGITS, sha256 } from "./logits.js";

const LEVELS = ["disabled", "basic", "extended", "layout", "all"] as const;
const RUNTIMES = LEVELS.flatMap((level) => [1, 2].map((threads) => ({ level, threads })));
// onnx has its own test at every level below; webgpu, which compiles these kernels for minutes on a processor, is held to
// the same SHA-256 once, in hosts.test.ts.
const BACKENDS = BACKENDS_UNDER_TEST.filter(
  ({ name, precision }) => precision === "f32" && name !== "onnx" && name !== "webgpu",
);

function rootMeanSquareError(actual: TensorData, expected: TensorData): number {
  const squares = Array.from(actual.data, (value, i) => (value - expected.data[i]!) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square) / squares.length);
}

type Numerics = NonNullable<NetworkOptions["numerics"]>;

describe.each(NETWORKS)("$name", ({ name, config, checkpoints }) => {
  const golden = async () => (await readSafetensors(fixture(`models/${name}/activations.safetensors`))).tensors;
  const weights = async () => (await readCheckpoint(fixture(`models/${name}/${checkpoints[0]!}`))).tensors;

  async function programOf(numerics: Numerics): Promise<Program> {
    const { input } = await golden();
    const [batchSize, , imageSize] = input!.type.shape as readonly [number, number, number, number];
    return evaluateProgram({ model: tresnet(config, { numerics }), batchSize, imageSize });
  }

  const optimized: Partial<Record<Numerics, Program>> = {};

  async function optimizedProgramOf(numerics: Numerics): Promise<Program> {
    const program = await programOf(numerics);
    return { ...program, graph: optimize(program.graph, { evaluate: evaluateNode }) };
  }

  async function logitsOn(backend: Backend, numerics: Numerics): Promise<TensorData> {
    const { input } = await golden();
    optimized[numerics] ??= await optimizedProgramOf(numerics);
    const program = optimized[numerics];
    await using session = await backend.compile(tresnet(config).state, { program });
    await session.write(await weights());
    return (await session.run("program", { images: input! })).logits!;
  }

  it.each(BACKENDS)("exact logits have one SHA-256 on $name", async ({ backend }) => {
    expect(sha256(await logitsOn(backend(), "exact"))).toBe(LOGITS[name]);
  });

  it.each(RUNTIMES)("and on onnx, optimisation $level, $threads thread(s)", async ({ level, threads }) => {
    const backend = onnxNodeBackend({ threads, sessionOptions: { graphOptimizationLevel: level } });
    expect(sha256(await logitsOn(backend, "exact"))).toBe(LOGITS[name]);
  });

  it.each(LEVELS)("and as an .onnx file with the weights inside, optimisation %s", async (level) => {
    const { input } = await golden();
    const [batch, , imageSize] = input!.type.shape as readonly [number, number, number, number];
    const model = tresnet(config, { numerics: "exact" });
    const tensors = await weights();
    const bytes = exportOnnx({
      graph: (batchSize) => evaluateProgram({ model, batchSize, imageSize }).graph,
      state: Object.fromEntries(Object.keys(model.state).map((key) => [key, tensors[key]!])),
      batch,
    });
    await using session = await openOnnxModelNode(bytes, { sessionOptions: { graphOptimizationLevel: level } });
    const { logits } = await session.run({ images: input! });
    expect(sha256(logits!)).toBe(LOGITS[name]);
  });

  it("and where denormals are flushed, zeros have any sign, and sums run in another order", async () => {
    const { input } = await golden();
    const { graph } = await programOf("exact");
    const { logits } = evaluateHostile(graph, { ...(await weights()), images: input! });
    expect(sha256(logits!)).toBe(LOGITS[name]);
  });

  // Not against onnx: its kernels, and so its error, are another processor's on every machine.
  it("exact logits are no further from PyTorch's float64 than float32 summed in order", async () => {
    const truth = (await golden()).logits_f64!;
    const [exact, native] = await Promise.all([
      logitsOn(onnxNodeBackend(), "exact"),
      logitsOn(referenceBackend({ precision: "f32" }), "native"),
    ]);
    expect(rootMeanSquareError(exact, truth)).toBeLessThanOrEqual(rootMeanSquareError(native, truth));
  });
});

describe("the choice of numerics", () => {
  const { config } = NETWORKS[0]!;

  it("is not part of the state", () => {
    expect(tresnet(config, { numerics: "exact" }).state).toEqual(tresnet(config).state);
  });

  it("native is the default", () => {
    const graphOf = (options?: NetworkOptions) =>
      evaluateProgram({ model: tresnet(config, options), batchSize: 1, imageSize: 64 }).graph;
    expect(graphOf({ numerics: "native" })).toEqual(graphOf());
  });

  it("exact numerics refuse to train", () => {
    const model = tresnet(config, { numerics: "exact" });
    const build = () => trainProgram({ model, batchSize: 1, imageSize: 64, loss: (logits) => logits });
    expect(build).toThrow(InputError);
    expect(build).toThrow(/train with numerics "native"/);
  });

  it("odd stage sizes have finite logits", async () => {
    const model = tresnet(config, { numerics: "exact" });
    const imageSize = 36;
    const program = evaluateProgram({ model, batchSize: 1, imageSize });
    await using session = await onnxNodeBackend().compile(model.state, { program });
    await session.write(initialize(model.state, 1));
    const data = Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => (i % 256) / 255);
    const images = { type: { dtype: "f32", shape: [1, 3, imageSize, imageSize] }, data } as const;
    const { logits } = await session.run("program", { images });
    expect([...logits!.data].every(Number.isFinite)).toBe(true);
  });
});
