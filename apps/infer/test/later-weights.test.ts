import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type CheckpointMetadata,
  inspectTresnet,
  officialToTimm,
  writeCheckpoint,
  writeSafetensors,
} from "asl-checkpoint";
import { evaluateProgram, f32, initialize, type Tensors, tresnet, tresnetConfig } from "asl-core";
import { exportModel } from "asl-onnx";
import { openOnnxModelNode } from "asl-onnx/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { areKernels, isLarge } from "../src/later-weights.js";
import { openClassifier } from "../src/open-classifier.js";
import { sigmoid } from "../src/scores.js";
import { FIXTURES } from "./run-command.js";

const SIZE = 32;
const model = tresnet(tresnetConfig("tresnet_m", { classes: 3, blocks: [1, 1, 1, 1] }));
const graph = () => evaluateProgram({ model, batchSize: 1, imageSize: SIZE }).graph;
const images = f32(
  [1, 3, SIZE, SIZE],
  Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 100),
);
const options = { backend: "onnx", batchSize: 1, imageSize: SIZE, pictures: 1 } as const;
const extended = { sessionOptions: { graphOptimizationLevel: "extended" } } as const;

let folder: string;
let state: Tensors;
let expected: Float32Array;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "asl-infer-later-"));
  state = initialize(model.state, 1);
  await using session = await openOnnxModelNode(exportModel({ graph, state, batch: 1 }), extended);
  expected = Float32Array.from((await session.run({ images })).logits!.data, sigmoid);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function ownCheckpoint(): Promise<string> {
  const file = path.join(folder, "own.safetensors");
  const metadata: CheckpointMetadata = {
    ...{
      model: { ...inspectTresnet(state), numClasses: 3 },
      classNames: ["cat", "dog", "person"],
      thresholds: 0.5,
      imageSize: SIZE,
    },
    ...{ resizeFilter: "bicubic", recipe: {}, step: 1, epoch: 1, metrics: {}, weights: "regular" },
  };
  await writeCheckpoint(file, { tensors: state, metadata });
  return file;
}

describe("a network that is made ready while its kernels are read", () => {
  it("has large kernels", () => {
    expect(Object.values(state).some(({ type }) => isLarge(type.shape))).toBe(true);
  });

  it.each([
    ["official names", async (file: string) => writeSafetensors(file, { tensors: state })],
    ["timm's names", async (file: string) => writeSafetensors(file, officialToTimm(state))],
  ])("gives the bits of a session that holds them: %s", async (name, write) => {
    const file = path.join(folder, `${name}.safetensors`);
    await write(file);
    await using classifier = await openClassifier(file, options);
    for (let run = 0; run < 2; run++) expect(await classifier.scores(images, [])).toEqual(expected);
  });

  it("gives the scores of a session that holds them where kernels are small, too", async () => {
    const file = path.join(FIXTURES, "checkpoint.pth");
    await using few = await openClassifier(file, options);
    await using many = await openClassifier(file, { ...options, pictures: 1000 });
    const scores = await many.scores(images, []);
    Array.from(await few.scores(images, [])).forEach((score, index) => {
      expect(score).toBeCloseTo(scores[index]!, 5);
    });
  });

  it("so does a file that carries its SHA-256, and damage is told", async () => {
    const file = await ownCheckpoint();
    {
      await using classifier = await openClassifier(file, options);
      expect(await classifier.scores(images, [])).toEqual(expected);
    }
    const bytes = await readFile(file);
    bytes[bytes.length - 1000]! ^= 1;
    await writeFile(file, bytes);
    await expect(openClassifier(file, options)).rejects.toThrow("its content does not match the SHA-256 it carries");
  });

  it("is not taken where a large tensor is anything but the kernel of a convolution", () => {
    const whole = exportModel({ graph, state: initialize(model.state, 1), batch: 1 });
    expect(areKernels(whole, state)).toBe(false);
    const taken = initialize(model.state, 1);
    const inPlace = exportModel({ graph, state: taken, batch: 1, overwriteState: true, onScaling: () => undefined });
    expect(areKernels(inPlace, taken)).toBe(true);
    const node = inPlace.graph.node.map((each) => (each.opType === "Conv" ? { ...each, opType: "ConvInteger" } : each));
    expect(areKernels({ ...inPlace, graph: { ...inPlace.graph, node } }, taken)).toBe(false);
  });
});
