import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { compareBits, compareBounded, errorBounds, type FixtureFileJson, fixturesFromJson } from "asl-conformance";
import { ONNX_OPERATORS } from "asl-onnx";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { fixture } from "../goldens/fixtures.js";

const FOLDER = fixture("onnx");
const INSTALLED = "/usr/share/libonnx-testdata/data/node";

interface Coverage {
  readonly operators: Readonly<
    Record<string, { readonly cases: readonly string[]; readonly reason?: string; readonly leftOut: object }>
  >;
}

const read = <T>(file: string) => JSON.parse(readFileSync(`${FOLDER}/${file}`, "utf8")) as T;
const { operators } = read<Coverage>("coverage.json");
const cases = readdirSync(FOLDER)
  .filter((file) => file !== "coverage.json")
  .flatMap((file) => fixturesFromJson(read<FixtureFileJson>(file)));

describe("ONNX's own node tests", () => {
  // ONNX's numbers are NumPy's float32, so they are held to the contract that a float32 backend is held to.
  it.each(cases)("$name: ONNX's numbers are what the reference means", ({ graph, inputs, expected, tier }) => {
    const bits = evaluate(graph, inputs, { precision: "f32" });
    const bounds = errorBounds(graph, inputs);
    for (const [name, numbers] of Object.entries(expected)) {
      const { value, error } = bounds[name]!;
      const comparison =
        tier === "exact"
          ? compareBits(name, bits[name]!, numbers)
          : compareBounded(name, numbers, { ...value, type: numbers.type }, error);
      expect(comparison.first).toBeUndefined();
      expect(comparison.elements).toBe(numbers.data.length);
    }
  });

  it("a wrong number is found: the next float32 of each first element", () => {
    for (const { name, graph, inputs, expected, tier } of cases) {
      if (tier !== "exact") continue;
      const bits = evaluate(graph, inputs, { precision: "f32" });
      const [[output, numbers]] = Object.entries(expected) as [[string, (typeof expected)[string]]];
      if (numbers.type.dtype !== "f32" || numbers.data.length === 0) continue;
      const changed = numbers.data.slice();
      changed[0] = changed[0] === 0 ? 2 ** -149 : changed[0]! * (1 + 2 ** -23);
      expect(compareBits(output, bits[output]!, { ...numbers, data: changed }).first, name).toBeDefined();
    }
  });

  it.each(ONNX_OPERATORS)("%s, which graphs are lowered to, has cases or a reason why not", (operator) => {
    const entry = operators[operator];
    expect(entry, `run fixtures/generate/onnx-node-tests.mjs: ${operator} is new`).toBeDefined();
    expect(entry!.cases.length > 0 || (entry!.reason?.length ?? 0) > 0).toBe(true);
    expect(Object.values(entry!.leftOut).every((reason) => typeof reason === "string" && reason.length > 0)).toBe(true);
  });

  it("every case that the list names exists, and no other", () => {
    const named = Object.values(operators).flatMap((entry) => entry.cases);
    expect(named.toSorted()).toEqual(cases.map(({ name }) => name).toSorted());
  });

  it.skipIf(!existsSync(INSTALLED))(
    "are what the script makes of libonnx-testdata, byte for byte (skipped where that Debian package is not installed)",
    () => {
      const script = fixture("generate/onnx-node-tests.mjs");
      expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toMatch(/^\d+ files/);
    },
  );
});
