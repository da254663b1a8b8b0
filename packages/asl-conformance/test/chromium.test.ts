import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandOptions, conform } from "../src/command/conformance.js";
import { findChromium } from "../src/hosts/chromium.js";
import { Hosts } from "../src/hosts/hosts.js";

const NAIVE = fileURLToPath(new URL("./naive-adapter.mjs", import.meta.url));
let folder: string;
beforeAll(async () => {
  // beside the sources, where the packages that an adapter imports are found
  folder = await mkdtemp(path.join(path.dirname(NAIVE), "adapters-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(adapters: readonly string[], options: Partial<CommandOptions>) {
  const lines: string[] = [];
  const output = { print: (text: string) => lines.push(text), progress: () => undefined };
  const passed = await conform(adapters, { backend: [], case: ["add/"], matrix: false, ...options }, output);
  return { passed, text: lines.join("\n") };
}

async function adapter(name: string, source: string): Promise<string> {
  const file = path.join(folder, `${name}.mjs`);
  await writeFile(file, source);
  return file;
}

describe.skipIf(findChromium() === undefined)("in Chromium (skipped where it is not installed)", () => {
  it("asl-conformance ./adapter.js --browser bundles somebody's module and runs it there", async () => {
    const { passed, text } = await run([NAIVE], { browser: true, case: ["session", "add/", "sub/"] });
    expect(text).toContain("all conform");
    expect(text).toMatch(/\nnaive |^naive /m);
    expect(passed).toBe(true);
  });

  it("takes its deviations from the module, and says how to see a failure alone", async () => {
    const wrong =
      `import naive from ${JSON.stringify(NAIVE)};\nconst right = naive();\n` +
      `export default { ...right, name: typeof document, compile: async (...args) => ` +
      `({ ...(await right.compile(...args)), run: async () => { throw new Error("nothing works") } }) };\n` +
      `export const deviations = [{ case: "add/dyadic/same-shape", reason: "as an example" }];\n`;
    const file = await adapter("wrong", wrong);
    const { passed, text } = await run([file], { browser: true });
    expect(passed).toBe(false);
    expect(text).toMatch(/FAILED object: add\/\S+: Error: nothing works|FAILED object: add\/\S+: nothing works/);
    expect(text).toContain(`asl-conformance ${file} --browser --case add/`);
  });

  it.each([
    ["no adapter", "export default 3;", /default export must be a Backend/],
    ["broken", "throw new Error('broken on purpose');", /broken on purpose/],
    [
      "metrics beside it",
      "export const metrics = {}; export default { name: 'x', compile() {} };",
      /exports metrics, which runs in Node only/,
    ],
    ["metrics alone", "export const metrics = {};", /exports metrics, which runs in Node only/],
    ["missing import", "import 'nowhere-to-be-found'; export default 3;", /cannot be bundled: .*nowhere-to-be-found/],
  ])("refuses a module with %s", async (name, source, message) => {
    await expect(run([await adapter(name.replaceAll(" ", "-"), source)], { browser: true })).rejects.toThrow(message);
  });

  it("a page that goes away fails the calls that wait", async () => {
    await using hosts = new Hosts();
    const leaving = await adapter(
      "leaving",
      `import naive from ${JSON.stringify(NAIVE)};\n` +
        `export default () => ({ ...naive(), compile: () => { location = "about:blank"; return new Promise(() => {}); } });\n`,
    );
    const backend = await hosts.chromium({ specifier: leaving });
    await expect(backend.compile({}, {})).rejects.toThrow(/the other end of the channel has closed/);
  });

  it("onnx-webgpu, where its own kernels break contracts", async () => {
    const { passed, text } = await run([], {
      backend: ["onnx-webgpu"],
      case: [
        "exp/edge/",
        "log/edge/one",
        "pow/edge/overflow",
        "layers/batch-norm",
        "conv2d/edge/no-picture",
        "session/steps",
      ],
    });
    expect(text).toContain("all conform");
    expect(passed).toBe(true);
  });

  it("tfjs-webgl", async () => {
    const { passed, text } = await run([], { backend: ["tfjs-webgl"], case: ["add/", "session"] });
    expect(text).toContain("all conform");
    expect(passed).toBe(true);
  });
});
