import { describe, expect, it } from "vitest";
import { loadFixtures } from "../src/load.js";
import { wrongNodes } from "../src/mutants/mutant.js";
import { MUTANTS, runMutants } from "../src/mutants/mutants.js";
import { runCase } from "../src/run.js";

const fixtures = loadFixtures();

describe("wrong versions of the reference", () => {
  it("are at least 40, each with a name of its own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
  });

  it.each(MUTANTS)("$name: is killed ($mistake)", async (mutant) => {
    const [outcome] = await runMutants(fixtures, [mutant]);
    expect(outcome?.killedBy).toBeDefined();
  });

  it("fail by their mistake: the same harness without one passes everything", async () => {
    const { backend } = wrongNodes("none", "no mistake", () => () => undefined);
    for (const fixture of fixtures) {
      expect(await runCase(backend, fixture)).toMatchObject({ case: fixture.name, status: "passed" });
    }
  });
});
