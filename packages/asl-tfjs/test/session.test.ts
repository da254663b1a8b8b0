import * as tf from "@tensorflow/tfjs-core";
import {
  AslError,
  add,
  Builder,
  build,
  f32,
  InputError,
  mul,
  NonFiniteError,
  type Program,
  type StateSpec,
  scalar,
  type TensorData,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { tfjsBackend } from "../src/backend.js";
import { BACKENDS } from "./backends.js";

const vector = { dtype: "f32", shape: [3] } as const;
const spec: StateSpec = {
  weight: { type: vector, role: "parameter", init: { kind: "zeros" } },
  total: { type: vector, role: "slot", init: { kind: "zeros" } },
};

/** total <- total + weight * x; returns weight * x. */
function accumulate(): Program {
  const builder = new Builder();
  const weight = builder.input("w", vector);
  const total = builder.input("t", vector);
  const product = builder.scope("layer.product", () => mul(weight, builder.input("x", vector)));
  return {
    graph: builder.finish({ product, t: add(total, product) }),
    reads: { w: "weight", t: "total" },
    writes: { t: "total" },
    finite: ["product"],
  };
}

describe.each(BACKENDS)("a session on $name", ({ backend }) => {
  const open = () => backend.compile(spec, { accumulate: accumulate() });

  it("keeps state between runs and returns what is not state", async () => {
    await using session = await open();
    await session.write({ weight: f32([3], [1, 2, 3]) });
    const first = await session.run("accumulate", { x: f32([3], [1, 1, 1]) });
    expect(Object.keys(first)).toEqual(["product"]);
    expect([...first.product!.data]).toEqual([1, 2, 3]);
    await session.run("accumulate", { x: f32([3], Float64Array.of(2, 2, 2)) });
    expect([...(await session.read(["total"])).total!.data]).toEqual([3, 6, 9]);
  });

  it("gives and takes copies", async () => {
    await using session = await open();
    const weight = f32([3], [1, 1, 1]);
    await session.write({ weight });
    (weight.data as Float32Array).fill(9);
    const read = (await session.read()).weight!;
    expect([...read.data]).toEqual([1, 1, 1]);
    (read.data as Float32Array).fill(9);
    expect([...(await session.read(["weight"])).weight!.data]).toEqual([1, 1, 1]);
  });

  it("feeds and results that only pass through are copies too", async () => {
    const graph = build((b) => ({ y: b.input("x", vector) }));
    await using session = await backend.compile({}, { pass: { graph, reads: {}, writes: {}, finite: [] } });
    const x = f32([3], [1, 2, 3]);
    const { y } = await session.run("pass", { x });
    (x.data as Float32Array).fill(9);
    expect([...y!.data]).toEqual([1, 2, 3]);
  });

  it("runs calls in their order", async () => {
    await using session = await open();
    const written = session.write({ weight: f32([3], [1, 1, 1]) });
    const runs = [1, 2, 3].map((x) => session.run("accumulate", { x: f32([3], [x, x, x]) }));
    const read = session.read(["total"]);
    await written;
    await Promise.all(runs);
    expect([...(await read).total!.data]).toEqual([6, 6, 6]);
  });

  it("constants and feeds in float64 are rounded to float32", async () => {
    const graph = build((b) => ({ y: add(b.input("x", { dtype: "f32", shape: [] }), b.constant(0.1)) }));
    await using session = await backend.compile({}, { sum: { graph, reads: {}, writes: {}, finite: [] } });
    const { y } = await session.run("sum", { x: scalar(0.2) });
    expect(y!.data).toEqual(Float32Array.of(Math.fround(0.1) + Math.fround(0.2)));
  });

  it("refuses what does not fit, by name", async () => {
    await using session = await open();
    const x: TensorData = f32([3], [1, 1, 1]);
    await expect(session.run("acumulate" as "accumulate", { x })).rejects.toThrow(
      'no program is called "acumulate"; this session has accumulate',
    );
    await expect(session.run("accumulate", {})).rejects.toThrow(/feed "x" f32\[3\] is missing/);
    await expect(session.run("accumulate", { x: scalar(1) })).rejects.toThrow(/must be f32\[3\]; got f32\[\]/);
    await expect(session.write({ weigth: x })).rejects.toThrow(/"weigth" does not exist/);
    await expect(session.read(["bias"])).rejects.toThrow(/"bias" does not exist/);
  });

  it("NaN in a finite output is an error, and the state stays as it was", async () => {
    await using session = await open();
    await session.write({ weight: f32([3], [1, Number.NaN, 1]), total: f32([3], [5, 6, 7]) });
    await expect(session.run("accumulate", { x: f32([3], [1, 1, 1]) })).rejects.toThrow(NonFiniteError);
    expect([...(await session.read(["total"])).total!.data]).toEqual([5, 6, 7]);
  });

  it("is over when it is disposed", async () => {
    const session = await open();
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    await expect(session.run("accumulate", { x: f32([3], [1, 1, 1]) })).rejects.toThrow(InputError);
  });

  it("errors name the program, the op and its scope", async () => {
    const graph = build((b) => {
      const indices = b.input("indices", { dtype: "i32", shape: [1] });
      return {
        y: b.scope("embedding.lookup", () => b.apply("gather", [b.input("table", vector), indices], { axis: 0 })),
      };
    });
    await using session = await backend.compile({}, { look: { graph, reads: {}, writes: {}, finite: [] } });
    const run = session.run("look", {
      table: f32([3], [1, 2, 3]),
      indices: { type: { dtype: "i32", shape: [1] }, data: Int32Array.of(7) },
    });
    await expect(run).rejects.toThrow(AslError);
    await expect(run).rejects.toThrow(
      "program look: TensorFlow.js could not run gather (embedding.lookup): index 7 must lie in 0 ... 2",
    );
  });

  it("leaves no tensor behind: runs, failed runs, writes, disposal", async () => {
    await backend.compile({}, {}).then((warm) => warm[Symbol.asyncDispose]());
    const before = tf.memory().numTensors;
    const session = await open();
    const opened = tf.memory().numTensors;
    for (let step = 0; step < 1000; step++) {
      await session.write({ weight: f32([3], [1, 1, step % 5 === 4 ? Number.POSITIVE_INFINITY : 1]) });
      await session.run("accumulate", { x: f32([3], [1, 1, 1]) }).catch((error) => {
        expect(error).toBeInstanceOf(NonFiniteError);
      });
      expect(tf.memory().numTensors).toBe(opened);
    }
    await session[Symbol.asyncDispose]();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("sessions on different backends", () => {
  it("take turns, each on its own", async () => {
    const sessions = await Promise.all(
      BACKENDS.map(({ backend }) => backend.compile(spec, { accumulate: accumulate() })),
    );
    await Promise.all(sessions.map((session, i) => session.write({ weight: f32([3], [i + 1, i + 1, i + 1]) })));
    const rounds = [1, 2, 3].flatMap((x) =>
      sessions.map((session) => session.run("accumulate", { x: f32([3], [x, x, x]) })),
    );
    await Promise.all(rounds);
    for (const [i, session] of sessions.entries()) {
      expect([...(await session.read(["total"])).total!.data]).toEqual([6 * (i + 1), 6 * (i + 1), 6 * (i + 1)]);
      await session[Symbol.asyncDispose]();
    }
  });
});

it("a backend that is not registered is an error that names it", async () => {
  const backend = tfjsBackend({ tf, backend: "abacus" });
  await expect(backend.compile({}, {})).rejects.toThrow(
    /tfjs-abacus: TensorFlow\.js could not start its backend "abacus"/,
  );
});
