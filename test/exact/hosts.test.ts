import { readCheckpoint, readSafetensors } from "asl-checkpoint";
import { findChromium, Hosts } from "asl-conformance/hosts";
import { type Backend, evaluateProgram, optimize, type Tensors, tresnet } from "asl-core";
import { evaluate, evaluateNode } from "asl-reference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOnce } from "../goldens/backends.js";
import { fixture } from "../goldens/fixtures.js";
import { NETWORKS } from "../goldens/networks.js";
import { differences } from "./bits.js";
import { LOGITS, sha256 } from "./logits.js";
import { EXACT_PROGRAMS } from "./programs.js";

const hosts = new Hosts();
afterAll(() => hosts[Symbol.asyncDispose](), 60_000);

const GUESTS = [
  ["tfjs-webgl", "asl-tfjs/webgl", "tfjsWebglBackend"],
  ["tfjs-webgpu", "asl-tfjs/webgpu", "tfjsWebgpuBackend"],
  ["onnxruntime-web", "asl-onnx/web", "onnxWebBackend"],
  ["onnxruntime-web on WebGPU", "asl-onnx/webgpu", "onnxWebgpuBackend"],
  ["webgpu", "asl-webgpu", "webgpuBackend"],
] as const;

/** A browser starts and compiles shaders on a processor that may be busy. */
const PATIENCE = 300_000;

const expected = new Map(
  EXACT_PROGRAMS.map(({ name, graph, feeds }) => {
    const optimized = optimize(graph, { evaluate: evaluateNode });
    return [name, { graph: optimized, feeds: feeds(), outputs: evaluate(optimized, feeds(), { precision: "f32" }) }];
  }),
);

/** No differing bit in any of the outputs. */
const noneOf = (outputs: Tensors) => Object.fromEntries(Object.keys(outputs).map((name) => [name, 0]));

describe.skipIf(findChromium() === undefined)("in Chromium (skipped where it is not installed)", () => {
  describe.each(GUESTS)("%s gives the same bits as everywhere", (_title, specifier, create) => {
    let backend: Backend & AsyncDisposable;
    beforeAll(async () => {
      backend = await hosts.chromium({ specifier, create });
    }, PATIENCE);
    afterAll(() => backend?.[Symbol.asyncDispose]());

    it.each([...expected])("%s", async (_name, { graph, feeds, outputs }) => {
      expect(differences(await runOnce(backend, graph, feeds), outputs)).toEqual(noneOf(outputs));
    });

    it("sessions side by side", async () => {
      const pair = ["exp", "log"].map((each) => expected.get(each)!);
      const results = await Promise.all(pair.map(({ graph, feeds }) => runOnce(backend, graph, feeds)));
      for (const [i, { outputs }] of pair.entries()) {
        expect(differences(results[i]!, outputs)).toEqual(noneOf(outputs));
      }
    });

    const { name, config, checkpoints } = NETWORKS[0]!;
    it(
      `the exact logits of ${name}`,
      async () => {
        const { input } = (await readSafetensors(fixture(`models/${name}/activations.safetensors`))).tensors;
        const [batchSize, , imageSize] = input!.type.shape as readonly [number, number, number, number];
        const model = tresnet(config, { numerics: "exact" });
        const whole = evaluateProgram({ model, batchSize, imageSize });
        const program = { ...whole, graph: optimize(whole.graph, { evaluate: evaluateNode }) };
        await using session = await backend.compile(model.state, { program });
        await session.write((await readCheckpoint(fixture(`models/${name}/${checkpoints[0]!}`))).tensors);
        expect(sha256((await session.run("program", { images: input! })).logits!)).toBe(LOGITS[name]);
      },
      PATIENCE,
    );
  });
});
