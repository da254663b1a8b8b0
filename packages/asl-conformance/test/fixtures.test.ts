import { execFileSync } from "node:child_process";
import path from "node:path";
import { definitionOf, OP_NAMES, traitsOf } from "asl-core";
import { describe, expect, it } from "vitest";
import { isDetermined } from "../src/bounds.js";
import { fixturesFolder, loadFixtures } from "../src/load.js";

const fixtures = loadFixtures();
const kindsOf = (op: string) => new Set(fixtures.filter(({ subject }) => subject === op).map(({ kind }) => kind));

describe("fixtures/ops", () => {
  it("are what their script makes, byte for byte", () => {
    const script = path.join(fixturesFolder(), "generate/ops.mjs");
    expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toMatch(/^\d+ files/);
  });

  it.each(OP_NAMES.filter((op) => op !== "constant"))("%s has random and edge cases", (op) => {
    expect([...kindsOf(op)]).toEqual(expect.arrayContaining(["random", "edge"]));
  });

  const promisesBits = (op: (typeof OP_NAMES)[number]) => {
    const { accuracy } = definitionOf(op);
    return accuracy.kind !== "ulp" || accuracy.max <= 0.5;
  };
  it.each(OP_NAMES.filter(promisesBits))("%s has dyadic cases", (op) => {
    expect([...kindsOf(op)]).toContain("dyadic");
  });

  const isDifferentiable = (op: (typeof OP_NAMES)[number]) => traitsOf(op).zeroGradient !== true;
  it.each(OP_NAMES.filter(isDifferentiable))("%s has cases of its gradient", (op) => {
    const gradients = fixtures.filter(({ subject, name }) => subject === op && name.includes("-gradient/"));
    expect(gradients).not.toEqual([]);
  });

  it("compares bits exactly where every op is exact or correctly rounded", () => {
    for (const { tier, graph, name } of fixtures) {
      if (tier !== "dyadic") expect(tier, name).toBe(isDetermined(graph) ? "exact" : "bounded");
    }
  });

  it("names every case once", () => {
    expect(new Set(fixtures.map(({ name }) => name)).size).toBe(fixtures.length);
  });
});
