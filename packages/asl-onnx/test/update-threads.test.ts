import type { Worker } from "node:worker_threads";
import {
  AslError,
  add,
  Builder,
  div,
  exp,
  mul,
  type Program,
  reduceSum,
  type Session,
  type StateSpec,
  scalar,
  sqrt,
  sub,
  type Tensors,
} from "asl-core";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCRuntime } from "../src/c-api/runtime.js";
import { hostedOnnxBackend, type OnnxBackendOptions, onnxBackend } from "../src/runtime/backend.js";
import { takesSharedMemory } from "../src/runtime/shared-memory.js";
import type { OnnxRuntime } from "../src/runtime/tensors.js";
import type { Call } from "../src/threads/calls.js";
import { OPCODE, wasmModule } from "../src/wasm/module.js";
import { expectSameBits, noise } from "./contract.js";

// a worker's code is what was built
const { workerThreads } = (await import(
  new URL("../dist/threads/worker-threads.js", import.meta.url).href
)) as typeof import("../src/threads/worker-threads.js");

const c = await openCRuntime();
const runtimes: Record<string, OnnxRuntime> = {
  "onnxruntime-node's library by its C interface": c,
  "onnxruntime-web": web,
};

/** Ends within a vector, before and behind the smallest, none at all; the last is divided. */
const SIZES = [0, 1, 3, 4, 5, 2 ** 19 + 3];
const names = SIZES.map((size) => `weight${size}`);

/** Momentum with a step over its root, a moving average, and a number that the graph computes. */
function training(sizes: readonly number[]): { spec: StateSpec; program: Program } {
  const builder = new Builder();
  const rate = builder.input("rate", { dtype: "f32", shape: [] });
  const spec: Record<string, StateSpec[string]> = {};
  const [reads, outputs]: Record<string, string>[] = [{}, {}];
  const values: Record<string, ReturnType<typeof sub>> = {};
  const total = reduceSum(builder.input("x", { dtype: "f32", shape: [4] }));
  for (const size of sizes) {
    const entry = { type: { dtype: "f32", shape: [size] }, role: "slot", init: { kind: "zeros" } } as const;
    const [weight, momentum, average] = ["weight", "momentum", "average"].map((kind) => {
      const name = `${kind}${size}`;
      spec[name] = entry;
      reads![name] = name;
      outputs![`next.${name}`] = name;
      return builder.input(name, entry.type);
    });
    const gradient = exp(builder.input(`gradient${size}`, entry.type));
    const nextMomentum = add(mul(momentum!, 0.9), mul(gradient, total));
    const root = add(sqrt(mul(nextMomentum, nextMomentum)), 1e-8);
    const nextWeight = sub(weight!, mul(div(nextMomentum, root), rate));
    values[`next.weight${size}`] = nextWeight;
    values[`next.momentum${size}`] = nextMomentum;
    values[`next.average${size}`] = add(mul(average!, 0.75), mul(nextWeight, 0.25));
  }
  const graph = builder.finish({ ...values, total });
  return { spec, program: { graph, reads: reads!, writes: outputs!, finite: ["total"] } };
}

const { spec, program } = training(SIZES);
const feedsOf = (step: number): Tensors => ({
  rate: scalar(Math.fround(0.3 / step)),
  x: noise([4], step),
  ...Object.fromEntries(SIZES.map((size) => [`gradient${size}`, noise([size], step + size)])),
});
const start = Object.fromEntries(Object.keys(spec).map((name, i) => [name, noise(spec[name]!.type.shape, i)]));

async function threeSteps(session: Session<"step">): Promise<Tensors> {
  await session.write(start);
  for (const step of [1, 2, 3]) await session.run("step", feedsOf(step));
  return session.read();
}

function expectSameState(actual: Tensors, expected: Tensors): void {
  for (const [name, { data }] of Object.entries(expected)) expectSameBits(actual[name]!.data, data);
}

/** The threads that a test has started. */
let started: Worker[] = [];
const remember = (worker: Worker) => started.push(worker);
beforeEach(() => {
  started = [];
  process.on("worker", remember);
});
afterEach(() => {
  process.off("worker", remember);
});

const backendOn = (runtime: OnnxRuntime, threads: number, options: Partial<OnnxBackendOptions> = {}) =>
  hostedOnnxBackend({ ...options, runtime, threads: 1 }, workerThreads(threads));

it("takesSharedMemory tells runtimes apart", async () => {
  expect(await takesSharedMemory(node)).toBe(false);
  expect(await takesSharedMemory(web)).toBe(true);
  expect(await takesSharedMemory(c)).toBe(true);
});

describe("updates on threads", () => {
  it("give the same bits however many there are, at every rate", async () => {
    await using alone = await onnxBackend({ runtime: node, threads: 1, update: "graph" }).compile(spec, {
      step: program,
    });
    const expected = await threeSteps(alone);
    for (const threads of [1, 2, 3]) {
      started = [];
      await using session = await backendOn(c, threads).compile(spec, { step: program });
      expect(started).toHaveLength(threads - 1);
      expectSameState(await threeSteps(session), expected);
    }
  });

  for (const [name, runtime] of Object.entries(runtimes)) {
    it(`give and take copies, never shared memory (${name})`, async () => {
      const reading = new Builder();
      const weight = reading.input("weight", spec[names.at(-1)!]!.type);
      const graph = reading.finish({ doubled: mul(weight, 2), total: reduceSum(weight) });
      const evaluation: Program = { graph, reads: { weight: names.at(-1)! }, writes: {}, finite: [] };
      await using session = await backendOn(runtime, 2).compile(spec, { step: program, evaluation });
      expect(started).toHaveLength(1);
      await session.write(start);
      const first = await session.run("step", feedsOf(1));
      const state = await session.read();
      const evaluated = await session.run("evaluation", {});
      for (const { data } of [first, state, evaluated].flatMap((tensors) => Object.values(tensors))) {
        expect(data.buffer).toBeInstanceOf(ArrayBuffer);
      }
      const last = state[names.at(-1)!]!.data;
      expectSameBits(
        evaluated.doubled!.data,
        last.map((value) => 2 * value),
      );
      structuredClone(last, { transfer: [last.buffer as ArrayBuffer] });
      const again = await session.read();
      expect(again[names.at(-1)!]!.data).toHaveLength(SIZES.at(-1)!);
    });
  }

  it("are not started for a small state, nor where the runtime refuses shared memory", async () => {
    const small = training([1000]);
    await using one = await backendOn(c, 2).compile(small.spec, { step: small.program });
    await using other = await backendOn(node, 2).compile(spec, { step: program });
    expect(started).toHaveLength(0);
    for (const session of [one, other]) await session.write({});
  });

  it("end with their session", async () => {
    const session = await backendOn(c, 3).compile(spec, { step: program });
    const ended = started.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    await session[Symbol.asyncDispose]();
    expect(await Promise.all(ended)).toHaveLength(2);
  });

  it("make it an error when one has died, and the state is not given away any more", async () => {
    await using session = await backendOn(c, 2).compile(spec, { step: program });
    await session.write(start);
    await started[0]!.terminate();
    const run = session.run("step", feedsOf(1));
    await expect(run).rejects.toThrow(/a thread of the session failed: it has ended.*open the session anew/);
    await expect(run).rejects.toThrow(AslError);
    await expect(session.read()).rejects.toThrow(/open the session anew/);
  });
});

describe("a call that fails", () => {
  it("is told with its message, on whatever thread it was", async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    /** (address) => store 0 there */
    const body = [OPCODE.localGet, 0, ...[0x43, 0, 0, 0, 0], OPCODE.f32Store, 2, 0];
    const module = await WebAssembly.compile(wasmModule([{ parameters: ["i32"], locals: [], body }], 1));
    const good = Array.from({ length: 100 }, (_, i): Call => [0, 4 * i]);
    const jobs = [good, [...good, [0, 65536] as const, ...good]];
    const runner = await workerThreads(2).start({ module, memory, jobs }, 2);
    try {
      runner.run(0);
      expect(() => runner.run(1)).toThrow(/failed: memory access out of bounds/);
      // and from then on
      expect(() => runner.run(0)).toThrow(/failed: memory access out of bounds/);
    } finally {
      await runner.release();
    }
  });
});
