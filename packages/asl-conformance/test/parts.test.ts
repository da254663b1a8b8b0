import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { meanAveragePrecision, precisionRecall } from "asl-core";
import * as data from "asl-data";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CommandOptions, conform } from "../src/command/conformance.js";
import { ownParts } from "../src/command/parts.js";
import { failuresOf, familiesOf } from "../src/command/remarks.js";
import type { Summary } from "../src/command/summary.js";
import { METRICS_MUTANTS, plainMetrics } from "../src/mutants/metrics.js";
import { runPartMutants } from "../src/mutants/part-mutant.js";
import { pictureMutants } from "../src/mutants/pictures.js";
import { PREPROCESSING_MUTANTS, plainResize, plainToTensor } from "../src/mutants/preprocessing.js";
import { metricsCases } from "../src/parts/metrics.js";
import { runPart } from "../src/parts/part.js";
import { preprocessingCases } from "../src/parts/preprocessing.js";
import { metricsConformance, preprocessingConformance } from "../src/vitest.js";

metricsConformance("asl-core", { meanAveragePrecision, precisionRecall });
preprocessingConformance("asl-data", data);

describe("asl-core and asl-data", () => {
  it("have every function that a case calls", async () => {
    const { own, skipped } = await ownParts();
    expect(skipped).toBeUndefined();
    const has = (part: "metrics" | "preprocess", name: string) =>
      own.some((each) => typeof (each[part] as Readonly<Record<string, unknown>> | undefined)?.[name] === "function");
    expect(metricsCases().filter(({ calls }) => !has("metrics", calls))).toEqual([]);
    expect(preprocessingCases().filter(({ calls }) => !has("preprocess", calls))).toEqual([]);
    expect(own.map(({ isWhole }) => isWhole)).toEqual([true, true]);
  });

  it("fail where they lack one, although all that was run passes", async () => {
    const cases = metricsCases().filter(({ name }) => name.startsWith("metrics/ties"));
    const run = { part: "metrics", name: "mine", implementation: { meanAveragePrecision }, cases } as const;
    expect(await runPart(run)).toMatchObject({ passed: true, missing: ["precisionRecall"] });
    const report = await runPart({ ...run, isWhole: true });
    expect(report.passed).toBe(false);
    expect(familiesOf([], [report]).flatMap(failuresOf)).toEqual([
      {
        title: "precisionRecall",
        detail: "is missing, so that its cases were not run",
        isCase: false,
        names: ["mine"],
      },
    ]);
  });
});

describe("wrong versions of metrics and preprocessing", () => {
  it.each(METRICS_MUTANTS)("$name: is killed ($mistake)", async (mutant) => {
    const [outcome] = await runPartMutants(metricsCases(), [mutant]);
    expect(outcome?.killedBy).toBeDefined();
  });

  it.each(PREPROCESSING_MUTANTS)("$name: is killed ($mistake)", async (mutant) => {
    const [outcome] = await runPartMutants(preprocessingCases(), [mutant]);
    expect(outcome?.killedBy).toBeDefined();
  });

  const pictures = pictureMutants(data);

  it.each(pictures)("$name: is killed ($mistake)", { timeout: 60_000 }, async (mutant) => {
    const [outcome] = await runPartMutants(preprocessingCases(), [mutant]);
    expect(outcome?.killedBy).toBeDefined();
  });

  it("of decode and augment: every case finds one out", { timeout: 120_000 }, async () => {
    const cases = preprocessingCases().filter(({ subject }) => subject === "decode" || subject === "augment");
    const blind: string[] = [];
    for (const each of cases) {
      let isKiller = false;
      for (const mutant of pictures) {
        const [outcome] = await runPartMutants([each], [mutant]);
        isKiller = outcome!.killedBy !== undefined;
        if (isKiller) break;
      }
      if (!isKiller) blind.push(each.name);
    }
    expect(cases.length).toBeGreaterThan(40);
    expect(blind).toEqual([]);
  });

  it("fail by their mistake: the same definitions without one pass everything", { timeout: 60_000 }, async () => {
    // written for clarity, not for 4952 pictures
    const cases = metricsCases().filter(({ name }) => !name.includes("coco"));
    const metrics = await runPart({ part: "metrics", name: "plain", implementation: plainMetrics(), cases });
    expect(metrics).toMatchObject({ passed: true, missing: [] });
    expect(metrics.outcomes).toHaveLength(cases.length);
    const toTensor = plainToTensor(
      (level) => level / 255,
      (pixel, channel, pixels) => channel * pixels + pixel,
    );
    const implementation = { resize: plainResize(), toTensor };
    const pictures = await runPart({
      part: "preprocess",
      name: "plain",
      implementation,
      cases: preprocessingCases(),
    });
    expect(pictures.passed).toBe(true);
    expect(pictures.missing).toEqual(["decodePictureBytes", "applyOperation", "transformAffine", "rotate"]);
  });
});

describe("somebody's metrics and preprocessing", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "asl-parts-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function run(adapters: readonly string[], options: Partial<CommandOptions> = {}) {
    const lines: string[] = [];
    const output = { print: (text: string) => lines.push(text), progress: () => undefined };
    const passed = await conform(adapters, { backend: [], case: [], matrix: true, ...options }, output);
    return { passed, text: lines.join("\n") };
  }

  async function adapter(name: string, text: string): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  }

  /** An AP that ranks ties the other way round. */
  const BACKWARDS = `
    import { meanAveragePrecision } from ${JSON.stringify(import.meta.resolve("asl-core"))};
    const flipped = (array, [rows, classes]) =>
      array.map((_, i) => array[(rows - 1 - Math.floor(i / classes)) * classes + (i % classes)]);
    export const metrics = {
      meanAveragePrecision: (scores, targets, shape) =>
        meanAveragePrecision(flipped(scores, shape), flipped(targets, shape), shape),
    };`;
  const TIES = "metrics/ties/average-precision";

  it("run without a backend, and what they get wrong is named with the element", async () => {
    const file = await adapter("backwards.mjs", BACKWARDS);
    const json = path.join(folder, "backwards.json");
    const { passed, text } = await run([file], { case: ["metrics/ties", "metrics/one-row"], json });
    expect(passed).toBe(false);
    expect(text).toMatch(/metrics +backwards +average-precision +official +2 /);
    expect(text).toContain(`FAILED backwards: ${TIES}: output "perClass"[`);
    expect(text).toContain(`asl-conformance ${file} --case ${TIES}`);
    expect(text).toContain("backwards has no precisionRecall: cases not run");
    expect(text).toContain("FAILED, 2 cases");
    const { parts, backends } = JSON.parse(await readFile(json, "utf8")) as Summary;
    expect(backends).toEqual([]);
    expect(parts).toMatchObject([{ part: "metrics", name: "backwards", official: { cases: 2, failed: 1 } }]);
  });

  it("may deviate, with a reason; a deviation that passes fails", async () => {
    const deviations = (name: string) =>
      `export const deviations = [{ case: ${JSON.stringify(name)}, reason: "the last row wins a tie" }];`;
    const declared = await adapter("declared.mjs", BACKWARDS + deviations(TIES));
    const { passed, text } = await run([declared], { case: [TIES] });
    expect(text).toContain(`declared deviates: ${TIES} (the last row wins a tie)`);
    expect(passed).toBe(true);
    // one that deviates has no figure of its own
    expect(text).toMatch(/metrics +declared +average-precision +official +1 +-1$/m);
    const mended = await adapter("mended.mjs", BACKWARDS + deviations("metrics/one-row/average-precision"));
    expect((await run([mended], { case: ["metrics/one-row"] })).passed).toBe(false);
  });

  it.each([
    ["preprocess/resize/noise-64x48-32x32-bicubic", /names preprocess\/\S+, but the module exports no preprocess/],
    ["add/edge/zeros", /names add\/edge\/zeros, but the module exports no backend \(default export\)/],
  ])("may not deviate in %s, which nothing in their module is run on", async (name, message) => {
    const deviations = `export const deviations = [{ case: ${JSON.stringify(name)}, reason: "as an example" }];`;
    const file = await adapter(`stray-${name.split("/")[0]}.mjs`, BACKWARDS + deviations);
    await expect(run([file], { case: [TIES] })).rejects.toThrow(message);
  });

  it("may not deviate in a case that does not exist, whatever part of the suite is run", async () => {
    const unknown = "metrics/tise/average-precision";
    const deviations = [TIES, unknown].map((name) => ({ case: name, reason: "the last row wins a tie" }));
    const file = await adapter("tise.mjs", `${BACKWARDS}export const deviations = ${JSON.stringify(deviations)};`);
    const { passed, text } = await run([file], { case: ["metrics/one-row"] });
    expect(passed).toBe(false);
    expect(text).toContain(`FAILED tise: ${unknown}: is declared as a deviation, but is no case of this run`);
    expect(text).not.toContain(TIES);
  });

  it("name the picture that has other bytes", async () => {
    const file = await adapter(
      "mirrored.mjs",
      `export const preprocess = { resize: ({ data }, width, height) =>
         ({ width, height, data: new Uint8Array(width * height * 3) }) };`,
    );
    const { passed, text } = await run([file], { case: ["preprocess/resize/noise-64x48-32x32"] });
    expect(passed).toBe(false);
    expect(text).toMatch(/bicubic: expected 32 x 32 with SHA-256 [0-9a-f]{64}; got 32 x 32 with SHA-256/);
  });

  it("come beside a backend in one module", async () => {
    const naive = JSON.stringify(fileURLToPath(new URL("./naive-adapter.mjs", import.meta.url)));
    const file = await adapter("both.mjs", `${BACKWARDS}\nexport { default } from ${naive};`);
    const { text } = await run([file], { case: ["metrics/one-row", "add/dyadic"] });
    expect(text).toMatch(/add +dyadic +\d+ +0 bits/);
    expect(text).toMatch(/metrics +naive +average-precision/);
    expect(text).toContain("all conform");
  });

  it("are refused when they are none, and when nothing would be run", async () => {
    await expect(run([await adapter("none.mjs", "export const metrics = 3;")])).rejects.toThrow(
      /none\.mjs: metrics must be an object of functions; got number/,
    );
    const misnamed = await adapter("misnamed.mjs", "export const metrics = { mAP() {} };");
    await expect(run([misnamed])).rejects.toThrow(/misnamed: its metrics has none of the functions meanAverage/);
    await expect(run([], { backend: ["reference-f32"], case: ["metrics"] })).rejects.toThrow(/nothing that was named/);
  });
});
