import { readdirSync, readFileSync } from "node:fs";
import { referenceBackend } from "asl-reference";
import { describe, expect, test } from "vitest";
import {
  type FixtureFileJson,
  fixturesOfFile,
  htmlReport,
  permitting,
  runConformance,
  summaryOf,
  WEBGPU_DEVIATIONS,
} from "../src/browser.js";
import { loadFixtures } from "../src/index.js";
import { flushesDenormals } from "./flushes-denormals.js";

const folder = new URL("../../../fixtures/", import.meta.url);
const parsed = (file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as FixtureFileJson;

describe("asl-conformance/browser", () => {
  test("parsed files give the fixtures that the command reads from the disk", () => {
    const ops = readdirSync(new URL("ops/", folder)).sort();
    const files = [...ops.map((file) => `ops/${file}`), "loss/losses.json"];
    const names = files.flatMap((file) => fixturesOfFile(file, parsed(file))).map(({ name }) => name);
    expect(names).toEqual(loadFixtures().map(({ name }) => name));
    expect(() => fixturesOfFile("x.json", { ...parsed("ops/add.json"), version: 2 as 1 })).toThrow(/x\.json: expected/);
  });

  test("what a device may do counts as a deviation, and what it need not do as passed", async () => {
    const fixtures = fixturesOfFile("ops/add.json", parsed("ops/add.json"));
    const report = async (name: "keeps" | "flushes") => {
      const backend = referenceBackend({ precision: "f32" });
      const run = { fixtures, sessionCases: [] };
      return runConformance(name === "keeps" ? backend : flushesDenormals(backend), run);
    };
    const keeps = permitting(await report("keeps"), WEBGPU_DEVIATIONS);
    expect(keeps.passed).toBe(true);
    expect(keeps.outcomes.filter(({ status }) => status !== "passed")).toEqual([]);

    const strict = await report("flushes");
    expect(strict.passed).toBe(false);
    const flushes = permitting(strict, WEBGPU_DEVIATIONS);
    expect(flushes.passed).toBe(true);
    expect(flushes.outcomes.filter(({ status }) => status !== "passed").map((each) => each.case)).toEqual([
      "add/edge/denormals",
    ]);
    const page = htmlReport({
      columns: [{ family: "mine", reports: [flushes] }],
      skipped: [],
      mutants: undefined,
      seconds: 1,
    });
    expect(page).toContain("add/edge/denormals");
    expect(summaryOf({ reports: [flushes], skipped: [], seconds: 1, mutants: undefined }).backends[0]!.passed).toBe(
      true,
    );
  });
});
