import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { exactPrograms, type FixtureFileJson, fixturesFromJson } from "asl-conformance";
import { graphToJson } from "asl-core";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { fixture } from "../goldens/fixtures.js";
import { differences } from "./bits.js";

type ExactFile = FixtureFileJson & { readonly accuracy: Readonly<Record<string, number>> };

const files = readdirSync(fixture("exact")).map(
  (name) => JSON.parse(readFileSync(fixture(`exact/${name}`), "utf8")) as ExactFile,
);
const cases = files.flatMap((file) => fixturesFromJson(file).map((each) => ({ ...each, accuracy: file.accuracy })));
const python = ["/usr/bin/python3", "python3"].find((name) => spawnSync(name, ["-c", "import mpmath"]).status === 0);

/** As the functions' docstrings say: 0.56 ulp; x^4 is two products; sums and losses to the contract of float32. */
const CONTRACT: Readonly<Record<string, number>> = {
  worstUlp: 0.56,
  lossRelativeError: 1e-6,
  gradientLargestError: 3e-6,
};

describe("bits from exact rational arithmetic in Python", () => {
  it.each(cases)("$name: float32 arithmetic gives the same", ({ graph, inputs, expected }) => {
    const none = Object.fromEntries(Object.keys(expected).map((name) => [name, 0]));
    expect(differences(evaluate(graph, inputs, { precision: "f32" }), expected)).toEqual(none);
  });

  it("are of the graphs that asl-core builds now", () => {
    const graphs = (list: readonly { readonly name: string; readonly graph: (typeof cases)[number]["graph"] }[]) =>
      Object.fromEntries(list.map(({ name, graph }) => [name.split("/")[1], graphToJson(graph)]));
    expect(graphs(cases)).toEqual(graphs(exactPrograms(256)));
  });

  it.each(cases.filter(({ name }) => name !== "exact-bits/power-4"))(
    "$name is as near to the truth as promised",
    (each) => {
      expect(Object.keys(each.accuracy).length).toBeGreaterThan(0);
      for (const [measure, error] of Object.entries(each.accuracy)) {
        expect(error, measure).toBeLessThanOrEqual(CONTRACT[measure]!);
      }
    },
  );

  it.skipIf(python === undefined)(
    "are what the script makes, byte for byte (skipped where no Python with mpmath is installed)",
    { timeout: 300_000 },
    () => {
      const script = fixture("generate/exact.py");
      expect(execFileSync(python!, [script, "--check"], { encoding: "utf8" })).toBe("13 files\n");
    },
  );
});
