import {
  adamFeeds,
  add,
  asymmetricLoss,
  Builder,
  div,
  emaFeeds,
  exp,
  f32,
  initialize,
  less,
  matmul,
  max,
  min,
  mul,
  neg,
  type Program,
  reduceSum,
  reshape,
  type Shape,
  type StateSpec,
  scalar,
  select,
  sqrt,
  sub,
  type Tensors,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { referenceBackend } from "asl-reference";
import * as runtime from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { onnxBackend } from "../src/runtime/backend.js";
import { partitionUpdates } from "../src/update/partition.js";
import { expectSameBits, noise } from "./contract.js";

const memory = onnxBackend({ runtime, threads: 1 });
const graph = onnxBackend({ runtime, threads: 1, update: "graph" });

const slot = (shape: Shape): StateSpec[string] => ({
  type: { dtype: "f32", shape },
  role: "slot",
  init: { kind: "zeros" },
});

function expectSameTensors(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { data }] of Object.entries(expected)) {
    try {
      expectSameBits(actual[name]!.data, data);
    } catch (error) {
      throw new Error(`"${name}" differs`, { cause: error });
    }
  }
}

/** Runs the same steps on all backends and expects the same state and results, bit for bit. */
async function expectAgreement(
  spec: StateSpec,
  program: Program,
  state: Tensors,
  steps: readonly Tensors[],
  backends = [memory, graph, referenceBackend({ precision: "f32" })],
): Promise<void> {
  const outcomes = [];
  for (const backend of backends) {
    await using session = await backend.compile(spec, { step: program });
    await session.write(state);
    const results = [];
    for (const feeds of steps) results.push(await session.run("step", feeds));
    outcomes.push({ results, state: await session.read() });
  }
  const expected = outcomes.at(-1)!;
  for (const outcome of outcomes) {
    outcome.results.forEach((result, i) => {
      expectSameTensors(result, expected.results[i]!);
    });
    expectSameTensors(outcome.state, expected.state);
  }
}

/** Every instruction that a kernel has, on a size that is no multiple of four. */
function everyOp(): { spec: StateSpec; program: Program } {
  const spec = { a: slot([3, 7]), b: slot([3, 7]), flat: slot([21]) };
  const builder = new Builder();
  const [a, b] = [builder.input("a", spec.a.type), builder.input("b", spec.b.type)];
  const flat = builder.input("flat", spec.flat.type);
  const rate = builder.input("rate", { dtype: "f32", shape: [] });
  const gradient = matmul(
    builder.input("x", { dtype: "f32", shape: [3, 5] }),
    builder.input("y", { dtype: "f32", shape: [5, 7] }),
  );
  const floor = (x: typeof a) => builder.apply("floor", [x], {});
  const abs = (x: typeof a) => builder.apply("abs", [x], {});
  const m = add(mul(a, rate), mul(gradient, sub(1, rate)));
  const v = max(min(add(b, mul(gradient, gradient)), 4), 0.25);
  const step = div(m, add(sqrt(v), 1e-8));
  return {
    spec,
    program: {
      graph: builder.finish({
        "next.a": sub(a, mul(step, rate)),
        "next.b": select(less(v, abs(m)), neg(v), floor(mul(v, 8))),
        "next.flat": add(reshape(a, [21]), flat),
        total: reduceSum(gradient, [0, 1]),
      }),
      reads: { a: "a", b: "b", flat: "flat" },
      writes: { "next.a": "a", "next.b": "b", "next.flat": "flat" },
      finite: ["total"],
    },
  };
}

describe("in-place updates", () => {
  it("give the same bits as the nodes one by one", async () => {
    const { spec, program } = everyOp();
    // Dyadic gradients, so that the matmul is the same on the reference.
    const dyadic = (shape: Shape, seed: number) =>
      f32(
        shape,
        noise(shape, seed, 8).data.map((value) => Math.round(value) / 8),
      );
    const steps = [1, 2, 3].map((i) => ({
      rate: scalar(Math.fround(0.3 / i)),
      x: dyadic([3, 5], i),
      y: dyadic([5, 7], i + 10),
    }));
    const state = { a: noise([3, 7], 1, 3), b: noise([3, 7], 2, 3), flat: noise([21], 3) };
    await expectAgreement(spec, program, state, steps);
  });

  it("leave the optimizer out of the graph: only its gradient and a computed number are outputs", () => {
    const { program } = everyOp();
    const { graph: cut, groups, copies } = partitionUpdates(program);
    expect(copies).toEqual({});
    // b is read with a, and flat reads a: one group.
    expect(groups.map(({ writes }) => writes.map(({ state }) => state))).toEqual([["a", "b", "flat"]]);
    const types = Object.values(cut.outputs).map((id) => cut.types[id]!.shape);
    expect(types).toEqual([[], [3, 7], []]);
  });

  it("read all state as it was before the step: two tensors can change places", async () => {
    const spec = { a: slot([5]), b: slot([5]), count: slot([]), scaled: slot([6]) };
    const builder = new Builder();
    const inputs = Object.fromEntries(
      Object.entries(spec).map(([name, { type }]) => [name, builder.input(name, type)]),
    );
    const { a, b, count, scaled } = inputs as Record<keyof typeof spec, ReturnType<typeof builder.input>>;
    const program: Program = {
      graph: builder.finish({ a2: b, b2: a, count2: add(count, 1), scaled2: mul(scaled, count) }),
      reads: { a: "a", b: "b", count: "count", scaled: "scaled" },
      writes: { a2: "a", b2: "b", count2: "count", scaled2: "scaled" },
      finite: [],
    };
    const state = { a: noise([5], 1), b: noise([5], 2), count: scalar(2), scaled: noise([6], 3) };
    await expectAgreement(spec, program, state, [{}, {}, {}]);
  });

  it("copy what is not elementwise, or not f32", async () => {
    const spec: StateSpec = {
      sum: slot([]),
      flag: { ...slot([2]), type: { dtype: "bool", shape: [2] } },
      index: { ...slot([2]), type: { dtype: "i32", shape: [2] } },
      grown: slot([2]),
    };
    const builder = new Builder();
    const x = builder.input("x", { dtype: "f32", shape: [2] });
    const index = builder.input("index", spec.index!.type);
    const isLess = less(x, 1);
    const total = reduceSum(x, [0]);
    const program: Program = {
      graph: builder.finish({ total, isLess, whole: builder.apply("cast", [x], { to: "i32" }), grown: exp(x), index }),
      reads: { index: "index" },
      writes: { total: "sum", isLess: "flag", whole: "index", grown: "grown" },
      finite: ["total"],
    };
    await expectAgreement(spec, program, {}, [{ x: f32([2], [0, 2]) }, { x: f32([2], [0, 1]) }], [memory, graph]);
  });

  it("leave the state alone when a checked output is not finite", async () => {
    const { spec, program } = everyOp();
    const state = { a: noise([3, 7], 1), b: noise([3, 7], 2), flat: noise([21], 3) };
    for (const backend of [memory, graph]) {
      await using session = await backend.compile(spec, { step: program });
      await session.write(state);
      const bad = { rate: scalar(0.5), x: f32([3, 5], new Float32Array(15).fill(3e38)), y: noise([5, 7], 4, 100) };
      await expect(session.run("step", bad)).rejects.toThrow(/every value must be finite/);
      expectSameTensors(await session.read(), state);
    }
  });

  it("train a TResNet to the same bits as the graph", async () => {
    const model = tresnet(tresnetConfig("tresnet_m", { classes: 5, blocks: [1, 1, 1, 1], widthFactor: 0.125 }));
    const spec = trainingState(model);
    const program = trainProgram({
      model,
      batchSize: 2,
      imageSize: 32,
      loss: (logits, targets) => asymmetricLoss(logits, targets, {}),
    });
    const steps = [1, 2, 3].map((step) => ({
      images: noise([2, 3, 32, 32], step),
      targets: f32([2, 5], [1, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
      ...adamFeeds({ learningRate: 1e-3, beta1: 0.9, step }),
      ...emaFeeds(0.99),
    }));
    await expectAgreement(spec, program, initialize(spec, 1), steps, [memory, graph]);
  });
});
