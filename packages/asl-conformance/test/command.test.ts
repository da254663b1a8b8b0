import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CANDIDATES, candidatesOf } from "../src/command/backends.js";
import { type CommandOptions, conform } from "../src/command/conformance.js";
import type { Summary } from "../src/command/summary.js";

const NAIVE = fileURLToPath(new URL("./naive-adapter.mjs", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-conformance-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  delete process.env.NAIVE_IS_WRONG;
});

async function run(adapters: readonly string[], options: Partial<CommandOptions> = {}) {
  const lines: string[] = [];
  const output = { print: (text: string) => lines.push(text), progress: () => undefined };
  const passed = await conform(adapters, { backend: [], case: ["conv2d/dyadic"], matrix: true, ...options }, output);
  return { passed, text: lines.join("\n") };
}

describe("asl-conformance ./adapter.js", () => {
  it("runs somebody's module and prints op, tier, cases and differing bits", async () => {
    const { passed, text } = await run([NAIVE]);
    expect(passed).toBe(true);
    expect(text).toMatch(/op +tier +cases +naive/);
    expect(text).toMatch(/conv2d +dyadic +27 +0 bits/);
    expect(text).toContain("all conform, 27 cases");
  });

  it("runs the promises of sessions, too", async () => {
    const { passed, text } = await run([NAIVE], { case: ["session", "add/"] });
    expect(text).toContain("all conform");
    expect(text).toMatch(/session +exact +13 +0 bits/);
    expect(passed).toBe(true);
  });

  it("holds it to the official implementation's networks: a forward pass and a training run", async () => {
    const { passed, text } = await run([NAIVE], { case: ["models/tresnet_tiny_b", "training/tresnet_tiny_b"] });
    expect(text).toContain("all conform, 2 cases");
    expect(text).toMatch(/models +official +1 +0\.\d/);
    expect(text).toMatch(/training +official +1 +0\.\d/);
    expect(passed).toBe(true);
  });

  it("names case, element, index, both values and their bits, and how to see it alone", async () => {
    process.env.NAIVE_IS_WRONG = "1";
    const { passed, text } = await run([NAIVE], { case: ["conv2d/dyadic/1x1-picture"] });
    expect(passed).toBe(false);
    expect(text).toMatch(/output "y"\[0,0,0,0\] must be exactly \S+ \([0-9a-f]{8}\); got 7 \(40e00000\)/);
    expect(text).toContain(`asl-conformance ${NAIVE} --case conv2d/dyadic/1x1-picture`);
  });

  it("asks for the place of its report before it runs", async () => {
    const file = path.join(folder, "none", "report.html");
    await expect(run([NAIVE], { html: file })).rejects.toThrow(`${file}: cannot be written: its folder does not exist`);
    await expect(run([NAIVE], { json: folder })).rejects.toThrow(`${folder}: is a folder`);
  });

  it("fails for a deviation that passes", async () => {
    const file = path.join(folder, "mended.mjs");
    const deviation = { case: "conv2d/dyadic/1x1", reason: "was wrong once" };
    await writeFile(
      file,
      `export { default } from ${JSON.stringify(NAIVE)};\nexport const deviations = [${JSON.stringify(deviation)}];\n`,
    );
    const { passed, text } = await run([file]);
    expect(passed).toBe(false);
    expect(text).toContain("conv2d/dyadic/1x1: passes, but is declared as a deviation (was wrong once)");
  });

  it("accepts a deviation that fails, with its reason", async () => {
    process.env.NAIVE_IS_WRONG = "1";
    const file = path.join(folder, "deviating.mjs");
    await writeFile(
      file,
      `export { default } from ${JSON.stringify(NAIVE)};\n` +
        'export const deviations = [{ case: "conv2d/dyadic/1x1-picture", reason: "always 7" }];\n',
    );
    const { passed, text } = await run([file], { case: ["conv2d/dyadic/1x1-picture"] });
    expect(passed).toBe(true);
    expect(text).toContain("naive deviates: conv2d/dyadic/1x1-picture (always 7)");
  });

  it.each([
    ["export default 3;", /default export must be a Backend/],
    [
      "export default { name: 'x', compile() {} }; export const deviations = [{ case: 1 }];",
      /list of \{ case, reason \}/,
    ],
    ["throw new Error('broken');", /broken/],
  ])("refuses %j with a clear message", async (source, message) => {
    const file = path.join(folder, `bad-${message.source.length}.mjs`);
    await writeFile(file, source);
    await expect(run([file])).rejects.toThrow(message);
  });

  it("refuses to run nothing", async () => {
    await expect(run([], { backend: ["reference-f64"], case: ["exact-functions"] })).rejects.toThrow(
      /reference-f64 cannot be run: the cases rest on float32 rounding; it computes in more/,
    );
    await expect(run([NAIVE], { case: ["metrics/ties"] })).rejects.toThrow(/no case was run: nothing that was named/);
  });

  it("fails for a deviation of a case that does not exist, whatever part of the suite is run", async () => {
    const file = path.join(folder, "unknown.mjs");
    await writeFile(
      file,
      `export { default } from ${JSON.stringify(NAIVE)};\n` +
        'export const deviations = [{ case: "conv9/edge/x", reason: "x" }, { case: "max/edge/zeros", reason: "y" }];\n',
    );
    const { passed, text } = await run([file], { case: ["conv2d/dyadic/1x1"] });
    expect(passed).toBe(false);
    expect(text).toContain("FAILED naive: conv9/edge/x: is declared as a deviation, but is no case of this run");
    expect(text).not.toContain("max/edge/zeros");
  });

  it("refuses a module that does not exist, an unknown backend and an unknown case", async () => {
    await expect(run([path.join(folder, "missing.mjs")])).rejects.toThrow(/missing\.mjs/);
    await expect(run([], { backend: ["onxx"] })).rejects.toThrow(/no backend is called "onxx"; expected one of .*onnx/);
    await expect(run([NAIVE], { case: ["conv9"] })).rejects.toThrow(/no case is called "conv9"/);
  });
});

describe("--json", () => {
  it("holds tiers, deviations and probes of each backend", async () => {
    const file = path.join(folder, "results.json");
    const backend = ["reference-f32", "onnx-all-1"];
    await run([], { backend, case: ["max/", "exp/", "exact-functions/sigmoid"], json: file });
    const summary = JSON.parse(await readFile(file, "utf8")) as Summary;
    expect(summary.backends.map(({ name }) => name)).toEqual(backend);
    const [reference, onnx] = summary.backends;
    expect(reference).toMatchObject({ dyadic: { cases: 2, differingBits: 0 }, deviations: [], failures: [] });
    expect(reference!.bounded.worstRatio).toBeLessThan(1);
    expect(onnx).toMatchObject({ passed: true, exact: { differingBits: 0 }, probes: { add: "correct" } });
    expect(onnx!.deviations).toMatchObject([{ case: "max/edge/zeros" }]);
    expect(summary.seconds).toBeGreaterThan(0);
  });
});

describe("known backends", () => {
  it("onnxruntime-node at five levels of optimisation with one and two threads, and with loops of its own", () => {
    expect(candidatesOf(["onnx"])).toHaveLength(11);
    expect(candidatesOf([])).toBe(CANDIDATES);
  });

  it("onnx conforms", async () => {
    const { passed, text } = await run([], { backend: ["onnx-extended-1"], case: [""], matrix: false });
    expect(text).toContain("all conform");
    expect(passed).toBe(true);
  });
});
