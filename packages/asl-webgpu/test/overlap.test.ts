import { add, build, f32, mul, type Program, type StateSpec } from "asl-core";
import { expect, it } from "vitest";
import { webgpuBackend } from "../src/backend.js";
import { SKIPPED } from "./adapter.js";
import { recordingGpu } from "./recording-gpu.js";

const vector = { dtype: "f32", shape: [4] } as const;
const spec: StateSpec = { total: { type: vector, role: "slot", init: { kind: "zeros" } } };

/** total <- total + x; returns 2 total. */
const step: Program = {
  graph: build((b) => {
    const total = add(b.input("total", vector), b.input("x", vector));
    return { total, twice: mul(total, 2) };
  }),
  reads: { total: "total" },
  writes: { total: "total" },
  finite: ["total"],
};
const feed = (x: number) => ({ x: f32([4], [x, x, x, x]) });

/** A device that tells what its queue is asked to do. */
async function listeningDevice(events: string[]): Promise<GPUDevice> {
  const { gpu } = await recordingGpu();
  const device = await (await gpu.requestAdapter())!.requestDevice();
  const heard =
    (name: "writeBuffer" | "submit") =>
    (...values: unknown[]) => {
      events.push(name === "submit" ? "submit" : `upload ${(values[2] as Float32Array)[0]}`);
      (device.queue[name] as (...values: unknown[]) => void).apply(device.queue, values);
    };
  const queue = {
    writeBuffer: heard("writeBuffer"),
    submit: heard("submit"),
    onSubmittedWorkDone: () => device.queue.onSubmittedWorkDone(),
  };
  return new Proxy(device, {
    get(target, key) {
      if (key === "queue") return queue;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

it.skipIf(SKIPPED)(
  `the feeds of a step travel while the one before computes${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`,
  async () => {
    const events: string[] = [];
    const device = await listeningDevice(events);
    await using session = await webgpuBackend({ device }).compile(spec, { step });
    events.length = 0;
    const runs = [1, 2, 4].map(async (x) => {
      const { twice } = await session.run("step", feed(x));
      events.push(`result ${twice!.data[0]}`);
    });
    await Promise.all(runs);
    expect(events).toEqual([
      "upload 1",
      "submit",
      "upload 2",
      "result 2",
      "submit",
      "upload 4",
      "result 6",
      "submit",
      "result 14",
    ]);
  },
);
