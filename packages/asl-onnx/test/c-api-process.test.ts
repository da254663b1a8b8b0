import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import * as node from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { openCRuntime } from "../src/c-api/runtime.js";

/** A session of matrix products, which take a while, and its input. */
const PREPARED = `
  import { Builder, f32, matmul, mul } from "asl-core";
  import { onnxNodeBackend } from "asl-onnx/node";
  const SIDE = 512;
  const builder = new Builder();
  const x = builder.input("x", { dtype: "f32", shape: [SIDE, SIDE] });
  let y = x;
  for (let i = 0; i < 8; i++) y = mul(matmul(y, x), 1 / SIDE);
  const program = { graph: builder.finish({ y }), reads: {}, writes: {}, finite: [] };
  const open = () => onnxNodeBackend({ binding: "c", threads: 2 }).compile({}, { step: program });
  const feeds = { x: f32([SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1)) };
  const session = await open();
  await session.run("step", feeds);
`;

interface Ended {
  readonly code: number | string | null;
  readonly signal?: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process with that code ends. */
async function ended(script: string, ...flags: string[]): Promise<Ended> {
  const args = [...flags, "--input-type=module", "--eval", PREPARED + script];
  try {
    const output = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, timeout: 120_000 });
    return { code: 0, ...output };
  } catch (error) {
    return error as Ended;
  }
}

describe("a process that computes through the C interface", () => {
  it.each([
    ["leaves during a run", `session.run("step", feeds); process.exit(3);`, { code: 3 }],
    ["leaves a little later", `session.run("step", feeds); setTimeout(() => process.exit(3), 5);`, { code: 3 }],
    ["leaves after a run", `await session.run("step", feeds); process.exit(4);`, { code: 4 }],
    ["forgets its session", `console.log((await session.run("step", feeds)).y.data[0]);`, { code: 0, stdout: "1\n" }],
    ["does not wait for its run", `session.run("step", feeds).then(() => console.log("over"));`, { stdout: "over\n" }],
    ["fails during a run", `session.run("step", feeds); setImmediate(() => { throw new Error("x"); });`, { code: 1 }],
    ["is interrupted", `session.run("step", feeds); process.kill(process.pid, "SIGINT");`, { signal: "SIGINT" }],
    [
      "handles its interruption",
      `process.on("SIGINT", () => process.exit(130));
       session.run("step", feeds);
       process.kill(process.pid, "SIGINT");`,
      { code: 130 },
    ],
  ] as const)("%s", async (_, script, expected) => {
    expect(await ended(script)).toMatchObject(expected);
  });

  it("keeps what the library uses, and no more, however often garbage is collected", async () => {
    const script = `
      const settle = async () => { for (let i = 0; i < 4; i++) { gc(); await new Promise(setImmediate); } };
      const litter = setInterval(() => { new Float32Array(1e6); gc(); }, 1);
      for (let round = 0; round < 16; round++) {
        // sessions are dropped without disposal
        const each = await open();
        const results = await Promise.all([each, session].map((one) =>
          one.run("step", { x: f32([SIDE, SIDE], new Float32Array(SIDE * SIDE).fill(1)) })));
        for (const { y } of results) if (!y.data.every((value) => value === 1)) throw new Error("wrong: " + y.data);
        if (round === 3) { await settle(); globalThis.before = process.memoryUsage.rss(); }
      }
      clearInterval(litter);
      await settle();
      console.log(Math.round((process.memoryUsage.rss() - before) / 2 ** 20));
    `;
    const { code, stdout, stderr } = await ended(script, "--expose-gc");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // MiB; a session holds some 3
    expect(Number(stdout)).toBeLessThan(20);
  });

  it("may do so on a thread, which may be stopped during a run", async () => {
    const script = `
      const { Worker } = await import("node:worker_threads");
      // a module in a URL finds no packages
      const found = (code) => code.replace(/from "(.*?)"/g, (_, name) => 'from "' + import.meta.resolve(name) + '"');
      const code = found(${JSON.stringify(PREPARED)}) + \`
        import { parentPort } from "node:worker_threads";
        const results = await session.run("step", feeds);
        session.run("step", feeds);
        parentPort.postMessage(results.y.data[0]);
      \`;
      for (let i = 0; i < 2; i++) {
        const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(code)));
        const value = await new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject));
        await worker.terminate();
        console.log(value, (await session.run("step", feeds)).y.data[0]);
      }
    `;
    expect(await ended(script)).toMatchObject({ code: 0, stdout: "1 1\n1 1\n" });
  });
});

it.runIf(process.platform === "linux")("the library is in the process once, with both bindings", async () => {
  const model = new URL("nothing.onnx", import.meta.url).href;
  for (const runtime of [await openCRuntime(), node])
    await expect(runtime.InferenceSession.create(model)).rejects.toThrow();
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  const files = maps.map((line) => line.split(/ +/)[5]).filter((file) => file?.includes("libonnxruntime"));
  expect(new Set(files).size).toBe(1);
});
