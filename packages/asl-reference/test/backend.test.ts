import {
  add,
  build,
  f32,
  InputError,
  i32,
  log,
  mul,
  NonFiniteError,
  type Program,
  type StateSpec,
  scalar,
  sub,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { referenceBackend } from "../src/backend.js";
import { f64 } from "./apply.js";

const vector = { dtype: "f32", shape: [2] } as const;
const number = { dtype: "f32", shape: [] } as const;

const state: StateSpec = {
  weight: { type: vector, role: "parameter", init: { kind: "zeros" } },
  steps: { type: number, role: "slot", init: { kind: "zeros" } },
};

/** weight <- weight - rate * log(x); steps <- steps + 1 */
const train: Program = {
  graph: build((b) => {
    const weight = b.input("w", vector);
    const logs = log(b.input("x", vector));
    return {
      logs,
      "new w": sub(weight, mul(b.input("rate", number), logs)),
      "new steps": add(b.input("n", number), 1),
    };
  }),
  reads: { w: "weight", n: "steps" },
  writes: { "new w": "weight", "new steps": "steps" },
  finite: ["logs"],
};

/** y = weight * x */
const evaluateProgram: Program = {
  graph: build((b) => ({ y: mul(b.input("w", vector), b.input("x", vector)) })),
  reads: { w: "weight" },
  writes: {},
  finite: ["y"],
};

const open = (precision: "f64" | "f32" = "f64") =>
  referenceBackend({ precision }).compile(state, { train, evaluate: evaluateProgram });

describe("referenceBackend", () => {
  it("is named after its precision", () => {
    expect(referenceBackend({ precision: "f64" }).name).toBe("reference-f64");
    expect(referenceBackend({ precision: "f32" }).name).toBe("reference-f32");
  });

  it("starts with zeros", async () => {
    await using session = await open();
    expect(await session.read()).toEqual({ weight: f64([2], [0, 0]), steps: f64([], [0]) });
  });

  it("shares one state among its programs and returns only what is not written to it", async () => {
    await using session = await open();
    await session.write({ weight: f32([2], [1, 2]) });
    const x = f64([2], [Math.E, 1]);
    expect(Object.keys(await session.run("train", { x, rate: scalar(0.5) }))).toEqual(["logs"]);
    expect(await session.read(["weight", "steps"])).toEqual({ weight: f64([2], [0.5, 2]), steps: f64([], [1]) });
    expect(await session.run("evaluate", { x: f32([2], [10, 10]) })).toEqual({ y: f64([2], [5, 20]) });
  });

  it("keeps the state in the precision", async () => {
    await using session = await open("f32");
    await session.write({ weight: f64([2], [0.1, 2]) });
    expect((await session.read(["weight"])).weight).toEqual(f32([2], [0.1, 2]));
  });

  it("checks `finite` outputs before it writes any state", async () => {
    await using session = await open();
    await session.write({ weight: f32([2], [1, 2]) });
    const run = session.run("train", { x: f32([2], [1, 0]), rate: scalar(0.5) });
    await expect(run).rejects.toThrow(NonFiniteError);
    await expect(run).rejects.toThrow("logs: -Infinity at index [1] of [2]");
    expect(await session.read()).toEqual({ weight: f64([2], [1, 2]), steps: f64([], [0]) });
  });

  it("gives copies from read and takes copies in write", async () => {
    await using session = await open();
    const weight = f64([2], [1, 2]);
    await session.write({ weight });
    weight.data[0] = 99;
    const first = await session.read(["weight"]);
    first.weight!.data[1] = 99;
    expect(await session.read(["weight"])).toEqual({ weight: f64([2], [1, 2]) });
  });

  it("writes all tensors or none", async () => {
    await using session = await open();
    const broken = { type: number, data: Float32Array.of(1, 2) };
    await expect(session.write({ weight: f32([2], [1, 2]), steps: broken })).rejects.toThrow(InputError);
    expect((await session.read(["weight"])).weight).toEqual(f64([2], [0, 0]));
  });

  it("refuses feeds, state and names that do not fit", async () => {
    await using session = await open();
    const x = f32([2], [1, 1]);
    await expect(session.run("train", { x })).rejects.toThrow('program train: feed "rate" f32[] is missing');
    await expect(session.run("evaluate", { x: i32([2], [1, 1]) })).rejects.toThrow("must be f32[2]; got i32[2]");
    await expect(session.run("evaluate", { x, w: x })).rejects.toThrow('no feed is called "w"');
    await expect(session.write({ weight: scalar(1) })).rejects.toThrow('state "weight" must be f32[2]; got f32[]');
    await expect(session.write({ bias: scalar(1) })).rejects.toThrow('state "bias" does not exist');
    await expect(session.read(["bias"])).rejects.toThrow('state "bias" does not exist');
    const misnamed = "predict" as "train";
    await expect(session.run(misnamed, { x })).rejects.toThrow(
      'no program is called "predict"; this session has train, evaluate',
    );
  });

  it("refuses a program whose state is not declared", async () => {
    const compiled = referenceBackend({ precision: "f64" }).compile({ steps: state.steps! }, { train });
    await expect(compiled).rejects.toThrow('program train: input "w" names state "weight", which does not exist');
  });

  it("refuses everything after it is disposed", async () => {
    const session = await open();
    await session[Symbol.asyncDispose]();
    await expect(session.run("evaluate", { x: f32([2], [1, 1]) })).rejects.toThrow("run: this session is disposed");
    await expect(session.read()).rejects.toThrow("read: this session is disposed");
    await expect(session.write({})).rejects.toThrow("write: this session is disposed");
    await expect(session[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });
});
