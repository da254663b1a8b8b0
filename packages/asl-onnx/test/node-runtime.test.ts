import { execFile } from "node:child_process";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import * as node from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type BindingOptions, nodeRuntime } from "../src/runtime/node-runtime.js";
import { declineTelemetry } from "../src/runtime/telemetry.js";

describe("what calls the library of onnxruntime-node", () => {
  const addOn = node.InferenceSession;
  it.each<[what: string, options: BindingOptions, isAddOn: boolean]>([
    ["by default its C interface", {}, false],
    ["that when asked for", { binding: "c" }, false],
    ["the add-on when asked for", { binding: "node" }, true],
    ["the add-on for another provider", { provider: "webgpu" }, true],
    ["the add-on for providers by name", { sessionOptions: { executionProviders: ["cpu"] } }, true],
    ["the C interface with other options", { sessionOptions: { enableMemPattern: false } }, false],
  ])("is %s", async (_, options, isAddOn) => {
    expect((await nodeRuntime(options)).InferenceSession === addOn).toBe(isAddOn);
  });

  it("is one runtime for all sessions, which take turns", async () => {
    expect(await nodeRuntime({})).toBe(await nodeRuntime({ binding: "c" }));
  });

  it("is the add-on where koffi is not installed, and an error says so to those who ask for the other", async () => {
    const hook = `export async function resolve(name, context, next) {
      if (name === "koffi") throw new Error("Cannot find package 'koffi'");
      return next(name, context);
    }`;
    const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
    const register = `import { register } from "node:module"; register(${JSON.stringify(url(hook))});`;
    const script = `
      import { Builder, f32, neg } from "asl-core";
      import { onnxNodeBackend } from "asl-onnx/node";
      const builder = new Builder();
      const y = neg(builder.input("x", { dtype: "f32", shape: [2] }));
      const program = { graph: builder.finish({ y }), reads: {}, writes: {}, finite: [] };
      for (const binding of [undefined, "c"]) {
        const backend = onnxNodeBackend({ binding, elementwise: "graph" });
        try {
          const session = await backend.compile({}, { step: program });
          console.log((await session.run("step", { x: f32([2], [1, 2]) })).y.data);
        } catch (error) {
          console.log(error.code, error.message);
        }
      }
    `;
    const args = ["--import", url(register), "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(stdout).toMatchInlineSnapshot(`
      "Float32Array(2) [ -1, -2 ]
      ERR_ASL_BACKEND the C interface of onnxruntime-node (binding "c"): Cannot find package 'koffi'
      "
    `);
  });
});

describe("reports of its use to the library's makers", () => {
  it.each(["c", "node"] as const)(
    "are declined: nothing is left in the folders of its user (binding %s)",
    async (binding) => {
      const folder = await mkdtemp(path.join(tmpdir(), "asl-onnx-telemetry-"));
      const script = `
      import { Builder, f32, neg } from "asl-core";
      import { onnxNodeBackend } from "asl-onnx/node";
      const builder = new Builder();
      const y = neg(builder.input("x", { dtype: "f32", shape: [2] }));
      const program = { graph: builder.finish({ y }), reads: {}, writes: {}, finite: [] };
      const session = await onnxNodeBackend({ binding: "${binding}" }).compile({}, { step: program });
      console.log((await session.run("step", { x: f32([2], [1, 2]) })).y.data);
    `;
      const { ORT_DISABLE_TELEMETRY: _, ...environment } = process.env;
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
        cwd: import.meta.dirname,
        env: { ...environment, HOME: folder, TMPDIR: folder, XDG_CACHE_HOME: folder },
      });
      expect(stdout).toBe("Float32Array(2) [ -1, -2 ]\n");
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it("are not declined for who chose otherwise", () => {
    const chosen = { ORT_DISABLE_TELEMETRY: "0" };
    declineTelemetry(chosen);
    expect(chosen).toEqual({ ORT_DISABLE_TELEMETRY: "0" });
  });
});
