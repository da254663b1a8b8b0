import { add, build, f32, mul, type Program, type StateSpec } from "asl-core";
import { describe, expect, it } from "vitest";
import { webgpuBackend } from "../src/backend.js";
import { DeviceLostError } from "../src/runtime/errors.js";
import { SKIPPED } from "./adapter.js";
import { recordingGpu } from "./recording-gpu.js";

const vector = { dtype: "f32", shape: [1000] } as const;
const spec: StateSpec = {
  weight: { type: vector, role: "parameter", init: { kind: "zeros" } },
  velocity: { type: vector, role: "slot", init: { kind: "zeros" } },
};

/** velocity <- 0.9 velocity + x, weight <- weight + velocity: one step of momentum. */
const step: Program = {
  graph: build((b) => {
    const velocity = add(mul(b.input("velocity", vector), 0.9), b.input("x", vector));
    const weight = add(b.input("weight", vector), velocity);
    return { velocity, weight, returned: mul(weight, 2) };
  }),
  reads: { weight: "weight", velocity: "velocity" },
  writes: { weight: "weight", velocity: "velocity" },
  finite: ["weight"],
};
const feed = (i: number) => ({
  x: f32(
    [1000],
    Float32Array.from({ length: 1000 }, (_, k) => Math.sin(k + i)),
  ),
});

describe.skipIf(SKIPPED)(`a device that is lost${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`, () => {
  it("in the middle of training: the last snapshot goes on, to the same bits", async () => {
    const { gpu, devices } = await recordingGpu();
    const backend = webgpuBackend({ gpu });
    const undisturbed = await backend.compile(spec, { step });
    for (let i = 0; i < 6; i++) await undisturbed.run("step", feed(i));
    const expected = await undisturbed.read();

    const session = await backend.compile(spec, { step });
    for (let i = 0; i < 3; i++) await session.run("step", feed(i));
    const snapshot = await session.read();
    const interrupted = session.run("step", feed(3));
    devices.at(-1)!.destroy();
    await expect(interrupted).rejects.toThrow(DeviceLostError);
    await expect(session.run("step", feed(3))).rejects.toThrow(
      /webgpu: the device was lost while .*destroyed.*snapshot/s,
    );
    await expect(session.read()).rejects.toThrow(DeviceLostError);
    await expect(session.write(snapshot)).rejects.toThrow(DeviceLostError);
    await session[Symbol.asyncDispose]();

    await using rebuilt = await backend.compile(spec, { step });
    expect(devices).toHaveLength(2);
    await rebuilt.write(snapshot);
    for (let i = 3; i < 6; i++) await rebuilt.run("step", feed(i));
    expect(await rebuilt.read()).toEqual(expected);
  });

  it("that the caller keeps is not replaced", async () => {
    const { gpu } = await recordingGpu();
    const device = await (await gpu.requestAdapter())!.requestDevice();
    const backend = webgpuBackend({ device });
    await (await backend.compile(spec, { step }))[Symbol.asyncDispose]();
    device.destroy();
    await device.lost;
    await expect(backend.compile(spec, { step })).rejects.toThrow(DeviceLostError);
  });
});
