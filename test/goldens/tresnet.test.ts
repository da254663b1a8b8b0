import { readFileSync } from "node:fs";
import { readCheckpoint, readSafetensors } from "asl-checkpoint";
import {
  evaluateProgram,
  initialize,
  parameterCount,
  type TensorData,
  TRESNETS,
  type TresnetConfig,
  type TresnetVariant,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { BACKENDS_UNDER_TEST } from "./backends.js";
import { fixture } from "./fixtures.js";
import { NETWORKS } from "./networks.js";

/** Largest |actual - expected| over the largest |expected|. */
function relativeError(actual: TensorData, expected: TensorData): number {
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < expected.data.length; i++) {
    difference = Math.max(difference, Math.abs(actual.data[i]! - expected.data[i]!));
    scale = Math.max(scale, Math.abs(expected.data[i]!));
  }
  return difference / scale;
}

/** float64 against PyTorch's float64 logits (stored as f32), and float32 against PyTorch's float32 stages. */
const CONTRACT = { f64: 1e-5, f32: 1e-5 };

describe.each(BACKENDS_UNDER_TEST)("official activations on $name", ({ backend, precision }) => {
  for (const { name, config, checkpoints } of NETWORKS) {
    it.each(checkpoints)(`${name}: logits and every stage from %s`, async (file) => {
      const golden = (await readSafetensors(fixture(`models/${name}/activations.safetensors`))).tensors;
      const { tensors } = await readCheckpoint(fixture(`models/${name}/${file}`));
      const { input, logits_f64: logitsF64, ...stages } = golden;
      const [batchSize, , imageSize] = input!.type.shape as [number, number, number];
      const model = tresnet(config);
      const program = evaluateProgram({ model, batchSize, imageSize, returnStages: true });
      await using session = await backend().compile(model.state, { program });
      await session.write(tensors);
      const outputs = await session.run("program", { images: input! });
      expect(relativeError(outputs.logits!, logitsF64!)).toBeLessThanOrEqual(CONTRACT[precision]);
      for (const [stage, expected] of Object.entries(stages)) {
        expect(outputs[stage]!.type, stage).toEqual(expected.type);
        expect(relativeError(outputs[stage]!, expected), stage).toBeLessThanOrEqual(CONTRACT[precision]);
      }
    });
  }
});

interface StateDict {
  readonly params: number;
  readonly state_dict: Readonly<Record<string, readonly number[]>>;
}

describe("official state dicts", () => {
  const dicts = JSON.parse(readFileSync(fixture("models/tresnet_state_dicts.json"), "utf8")) as Record<
    string,
    StateDict
  >;
  const variants = (Object.keys(TRESNETS) as TresnetVariant[]).filter((variant) => variant in dicts);

  it.each(variants)("%s has the official keys, shapes and parameter count", (variant) => {
    const { params, state_dict: expected } = dicts[variant]!;
    const model = tresnet(tresnetConfig(variant, { classes: 80 }));
    expect(shapesOf(model.state)).toEqual(
      Object.fromEntries(Object.entries(expected).filter(([key]) => !key.endsWith("num_batches_tracked"))),
    );
    expect(parameterCount(model)).toBe(params);
  });

  it("the OpenImages head has the official keys and shapes", () => {
    const config: TresnetConfig = tresnetConfig("tresnet_l", { classes: 9605, headFeatures: 512 });
    const expected = dicts.tresnet_l_bottleneck_head_9605!.state_dict;
    expect(shapesOf(tresnet(config).state)).toMatchObject(expected);
  });

  it("covers M, L and XL", () => expect(variants).toEqual(["tresnet_m", "tresnet_l", "tresnet_xl"]));
});

it("the last batch norm of every block starts at weight 0, so that a fresh block is its shortcut", () => {
  const model = tresnet(NETWORKS[0]!.config);
  const state = initialize(model.state, 1);
  const last = Object.keys(state).filter((name) =>
    /layer[12]\.\d+\.conv2\.1\.weight|layer[34]\.\d+\.conv3\.1\.weight/.test(name),
  );
  expect(last).toHaveLength(7);
  for (const name of last) expect(state[name]!.data.every((value) => value === 0)).toBe(true);
});

function shapesOf(state: Readonly<Record<string, { type: { shape: readonly number[] } }>>) {
  return Object.fromEntries(Object.entries(state).map(([name, { type }]) => [name, type.shape]));
}
