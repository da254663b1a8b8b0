import {
  AslError,
  type Backend,
  f32,
  GraphError,
  InputError,
  i32,
  NonFiniteError,
  ShapeError,
  type TensorData,
  type Tensors,
} from "asl-core";
import { referenceBackend } from "asl-reference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactFixtures } from "../src/exact-fixtures.js";
import { loadFixtures } from "../src/load.js";
import { decodeFrame, encodeFrame } from "../src/remote/frame.js";
import { channelPair, remoteBackend, serveBackend } from "../src/remote/index.js";
import { runGraph, runSessionCase } from "../src/run.js";
import { SESSION_CASES } from "../src/session-cases.js";

/** A backend through a channel inside this process. */
async function through(backend: Backend) {
  const [near, far] = channelPair();
  void serveBackend(() => ({ backend }), far);
  return await remoteBackend(near);
}

const bytesOf = ({ data }: TensorData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Float32 numbers by their bits: a NaN with a payload, a signalling one, -0, denormals, the ends of the range. */
const BITS = [0x7fc00001, 0xffc12345, 0x7f800001, 0x80000000, 1, 0x807fffff, 0x7f7fffff, 0x7f800000, 0xff800000];
const UNUSUAL = f32([9], new Float32Array(Uint32Array.from(BITS).buffer));

describe("a frame", () => {
  const tensors = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes): TensorData => {
      const data = new Float32Array(bytes.slice(0, bytes.length - (bytes.length % 4)).buffer);
      return { type: { dtype: "f32", shape: [data.length] }, data };
    }),
    fc.float64Array({ maxLength: 9 }).map((data) => f32([data.length], data)),
    fc.int32Array({ maxLength: 9 }).map((data) => i32([1, data.length], data)),
    fc
      .array(fc.nat(1), { maxLength: 9 })
      .map(
        (truths): TensorData => ({ type: { dtype: "bool", shape: [truths.length] }, data: Uint8Array.from(truths) }),
      ),
  );

  it("brings back the body and every byte of every tensor, in arrays of the same kind", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.dictionary(fc.string(), tensors), (body, record) => {
        const decoded = decodeFrame(encodeFrame(body, record));
        expect(decoded.body).toEqual(JSON.parse(JSON.stringify(body)));
        expect(Object.keys(decoded.tensors)).toEqual(Object.keys(record));
        for (const [name, tensor] of Object.entries(decoded.tensors)) {
          expect(tensor.type).toEqual(record[name]!.type);
          expect(tensor.data.constructor).toBe(record[name]!.data.constructor);
          expect(bytesOf(tensor)).toEqual(bytesOf(record[name]!));
        }
      }),
    );
  });

  it("may lie anywhere in its buffer", () => {
    const frame = encodeFrame("body", { UNUSUAL });
    const shifted = new Uint8Array(frame.length + 3);
    shifted.set(frame, 3);
    expect(bytesOf(decodeFrame(shifted.subarray(3)).tensors.UNUSUAL!)).toEqual(bytesOf(UNUSUAL));
  });

  it("that is cut off is refused", () => {
    const frame = encodeFrame({ call: "run" }, { UNUSUAL });
    expect(() => decodeFrame(frame.subarray(0, 2))).toThrow(/2 bytes is too short for a header/);
    expect(() => decodeFrame(frame.subarray(0, 20))).toThrow(/20 bytes ends before its header/);
    expect(() => decodeFrame(frame.subarray(0, frame.length - 8))).toThrow(/ends before tensor "UNUSUAL" does/);
  });
});

const fixtures = [...loadFixtures(), ...exactFixtures(256)];

describe("a remote backend", () => {
  it.each([
    ["f32", fixtures],
    // what differs is how results are held: one fixture of each subject shows it
    ["f64", fixtures.filter(({ subject }, i) => subject !== fixtures[i - 1]?.subject)],
  ] as const)("gives the same bytes as the %s reference itself", async (precision, some) => {
    const near = referenceBackend({ precision });
    const far = await through(near);
    expect(far.name).toBe(near.name);
    for (const { graph, inputs, name } of some) {
      const [wanted, got] = [await runGraph(near, graph, inputs), await runGraph(far, graph, inputs)];
      expect(Object.keys(got)).toEqual(Object.keys(wanted));
      for (const [output, tensor] of Object.entries(got)) {
        expect(bytesOf(tensor), `${name} ${output}`).toEqual(bytesOf(wanted[output]!));
      }
    }
  });

  it.each(SESSION_CASES)("keeps the promises of sessions: $name", async (each) => {
    const far = await through(referenceBackend({ precision: "f32" }));
    expect(await runSessionCase(far, each)).toMatchObject({ status: "passed" });
  });

  it("keeps the payload of NaN, -0 and denormals in state, too", async () => {
    const far = await through(referenceBackend({ precision: "f32" }));
    const entry = { type: UNUSUAL.type, role: "buffer", init: { kind: "zeros" } } as const;
    await using session = await far.compile({ kept: entry }, {});
    await session.write({ kept: UNUSUAL });
    expect(bytesOf((await session.read()).kept!)).toEqual(bytesOf(UNUSUAL));
  });

  it.each<Error>([
    new AslError("ERR_ASL_BACKEND", "no device"),
    new InputError("feed x is missing"),
    new GraphError("node 3 is broken"),
    new ShapeError("conv2d", "kernel needs 32 channels", "layer1.0"),
    new NonFiniteError("logits", [2, 5], Number.NaN, [4, 80]),
    new NonFiniteError("loss", [], Number.NEGATIVE_INFINITY, []),
    new TypeError("x is not a function"),
  ])("throws what the session throws: %s", async (error) => {
    const far = await through(failing(error));
    const thrown: unknown = await runGraph(far, fixtures[0]!.graph, {}).catch((caught: unknown) => caught);
    if (!(error instanceof AslError)) {
      expect(thrown).toEqual(new Error("TypeError: x is not a function"));
      return;
    }
    expect(thrown).toBeInstanceOf(error.constructor);
    const { stack: _far, ...properties } = Object.getOwnPropertyDescriptors(thrown);
    const { stack: _near, ...expected } = Object.getOwnPropertyDescriptors(error);
    expect(properties).toEqual(expected);
  });

  it("throws what making the backend threw", async () => {
    const [near, far] = channelPair();
    void serveBackend(() => Promise.reject(new AslError("ERR_ASL_BACKEND", "no WebGPU adapter")), far);
    await expect(remoteBackend(near)).rejects.toThrow(new AslError("ERR_ASL_BACKEND", "no WebGPU adapter"));
  });

  it("says what it is known to fail", async () => {
    const [near, far] = channelPair();
    const deviations = [{ case: "max/edge/zeros", reason: "keeps the first" }];
    void serveBackend(() => ({ backend: referenceBackend({ precision: "f32" }), deviations }), far);
    expect((await remoteBackend(near)).deviations).toEqual(deviations);
  });

  it("fails calls that wait and later ones when the channel closes, and the far end closes its sessions", async () => {
    const [near, far] = channelPair();
    let closed = 0;
    const backend = failing(new Error("unused"), {
      run: () => new Promise<Tensors>(() => undefined),
      onClose: () => closed++,
    });
    void serveBackend(() => ({ backend }), far);
    const remote = await remoteBackend(near, () => "the page has crashed");
    const session = await remote.compile({}, {});
    const waiting = session.run("program" as never, {});
    const later = waiting.catch(() => session.read());
    await remote[Symbol.asyncDispose]();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_ASL_REMOTE", message: /closed: the page has crashed/ });
    await expect(later).rejects.toMatchObject({ code: "ERR_ASL_REMOTE" });
    expect(closed).toBe(1);
  });
});

/** A backend whose sessions throw. */
function failing(error: Error, { run = async (): Promise<Tensors> => Promise.reject(error), onClose = () => {} } = {}) {
  const backend: Backend = {
    name: "failing",
    compile: async () => ({
      run,
      read: async () => ({}),
      write: async () => undefined,
      async [Symbol.asyncDispose]() {
        onClose();
      },
    }),
  };
  return backend;
}
