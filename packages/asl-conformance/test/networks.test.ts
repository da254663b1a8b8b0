import { execFileSync } from "node:child_process";
import path from "node:path";
import { type Backend, f32, type Program, scalar } from "asl-core";
import { referenceBackend } from "asl-reference";
import { describe, expect, it } from "vitest";
import { compareRelative } from "../src/compare.js";
import { fixturesFolder } from "../src/load.js";
import { loadNetworks } from "../src/networks/load-networks.js";
import { runNetworkCase } from "../src/networks/run-network.js";

const networks = loadNetworks();
const find = (name: string) => networks.find((each) => each.name === name)!;

describe("fixtures/models", () => {
  it("are what their script makes, byte for byte", () => {
    const script = path.join(fixturesFolder(), "generate/networks.mjs");
    expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toBe("2 networks\n");
  });

  it("hold a forward pass and a training run of each network", () => {
    expect(networks.map(({ name }) => name)).toEqual([
      "models/tresnet_tiny",
      "training/tresnet_tiny",
      "models/tresnet_tiny_bottleneck_head",
      "training/tresnet_tiny_bottleneck_head",
    ]);
    expect(networks.map(({ steps }) => steps.length)).toEqual([1, 6, 1, 3]);
  });
});

describe("mistakes are found", () => {
  it("a leaky slope of 0.01 for 0.001 in a forward pass", async () => {
    const outcome = await runNetworkCase(changed(steeper), find("models/tresnet_tiny_bottleneck_head"));
    expect(outcome).toMatchObject({ status: "failed", kind: "model", tier: "official" });
    expect(outcome.worstRatio).toBeGreaterThan(1);
    expect(outcome.first).toBeDefined();
  });

  it("a training run whose moving average takes the weights from before the step", async () => {
    const outcome = await runNetworkCase(changed(averageOfOldWeights), find("training/tresnet_tiny_bottleneck_head"));
    expect(outcome).toMatchObject({ status: "failed", kind: "training" });
    expect(outcome.first!.output).toMatch(/^state ema\./);
  });

  it("a training run that forgets what a step writes", async () => {
    const forgets = changed((program) => ({ ...program, writes: {} }));
    const outcome = await runNetworkCase(forgets, find("training/tresnet_tiny_bottleneck_head"));
    expect(outcome.first!.output).toBe("step 2: loss");
  });
});

/** The reference with programs changed. */
function changed(change: (program: Program) => Program): Backend {
  const reference = referenceBackend({ precision: "f32" });
  return {
    name: "changed",
    compile<P extends string>(state: Parameters<Backend["compile"]>[0], programs: Readonly<Record<P, Program>>) {
      const entries = Object.entries<Program>(programs).map(([name, program]) => [name, change(program)]);
      return reference.compile(state, Object.fromEntries(entries) as Record<P, Program>);
    },
  };
}

function steeper({ graph, ...program }: Program): Program {
  const nodes = graph.nodes.map((node) =>
    node.op === "constant" && node.attrs.value.data[0] === 0.001 ? { ...node, attrs: { value: scalar(0.01) } } : node,
  );
  return { ...program, graph: { ...graph, nodes: nodes as typeof graph.nodes } };
}

/** Every node of the moving average that reads a new weight reads the old one. */
function averageOfOldWeights(program: Program): Program {
  const { graph } = program;
  const renewed = new Map<number, number>();
  for (const [output, id] of Object.entries(graph.outputs)) {
    const name = output.replace(/^next\./, "");
    if (name !== output && name in graph.inputs && !name.startsWith("ema.")) renewed.set(id, graph.inputs[name]!);
  }
  const nodes = graph.nodes.map((node) =>
    node.scope.startsWith("ema/") ? { ...node, inputs: node.inputs.map((id) => renewed.get(id) ?? id) } : node,
  );
  return { ...program, graph: { ...graph, nodes: nodes as typeof graph.nodes } };
}

describe("compareRelative", () => {
  const [expected, near] = [f32([2], [3, 4]), f32([2], [3, 4.5])];
  const norm = { measure: "norm", limit: 0.1 } as const;

  it("measures the Euclidean norm or the largest element", () => {
    expect(compareRelative("y", near, expected, norm).worstRatio).toBeCloseTo(1, 12);
    expect(compareRelative("y", near, expected, { measure: "largest", limit: 0.25 }).worstRatio).toBeCloseTo(0.5, 12);
  });

  it("names the worst element", () => {
    const far = f32([2], [3, 5]);
    expect(compareRelative("y", far, expected, norm).first).toMatchObject({ index: [1], actual: 5, expected: 4 });
  });

  it("NaN never agrees, and zeros must stay zeros", () => {
    for (const measure of ["norm", "largest"] as const) {
      const nan = compareRelative("y", f32([2], [Number.NaN, 4]), expected, { measure, limit: 1e9 });
      expect(nan.first).toMatchObject({ index: [0] });
      const zeros = f32([2], [0, 0]);
      expect(compareRelative("y", zeros, zeros, { measure, limit: 0.1 }).first).toBeUndefined();
      expect(compareRelative("y", f32([2], [0, 1e-30]), zeros, { measure, limit: 0.1 }).first).toBeDefined();
    }
  });
});
