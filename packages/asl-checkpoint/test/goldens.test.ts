import { readFile } from "node:fs/promises";
import { tresnet } from "asl-core";
import { describe, expect, test } from "vitest";
import { matchState, officialToTimm, readCheckpoint, readSafetensors, scaleOfRawWeight } from "../src/index.js";
import { bitsOf, golden } from "./support.js";

const FILES = ["checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_timm.safetensors"];

describe("the tiny TResNet", () => {
  const read = (name: string) => readCheckpoint(golden(`tresnet_tiny/${name}`));

  test.each(FILES)("%s has the architecture that its training log states", async (name) => {
    const log: { layers: number[]; num_classes: number } = JSON.parse(
      await readFile(golden("tresnet_tiny/train.json"), "utf8"),
    );
    const { architecture, keyScheme } = await read(name);
    expect(architecture).toEqual({
      variant: "custom",
      blocks: log.layers,
      planes: 8,
      widthFactor: 0.125,
      stages: ["basic", "basic", "bottleneck", "bottleneck"],
      numClasses: log.num_classes,
      bottleneckHead: false,
    });
    expect(keyScheme).toBe(name.includes("timm") ? "timm" : "official");
  });

  test.each(FILES)("%s fills the state of the model that it describes", async (name) => {
    const { tensors, architecture } = await read(name);
    const { blocks, planes, numClasses } = architecture!;
    const { state } = tresnet({ blocks, planes, basicStages: 2, classes: numClasses! });
    const types = Object.fromEntries(Object.entries(state).map(([key, { type }]) => [key, type]));
    const matched = matchState(types, tensors, { file: name });
    expect(matched.notLoaded).toEqual([]);
    expect(Object.keys(matched.tensors)).toEqual(Object.keys(state));
  });

  test("the zip and the legacy format hold the same bits, classes included", async () => {
    const [zip, legacy] = [await read("checkpoint.pth"), await read("checkpoint_legacy.pth")];
    expect(Object.keys(legacy.tensors)).toEqual(Object.keys(zip.tensors));
    for (const [name, tensor] of Object.entries(zip.tensors)) {
      expect(bitsOf(legacy.tensors[name]!).equals(bitsOf(tensor))).toBe(true);
      expect(legacy.tensors[name]!.type).toEqual(tensor.type);
    }
    expect(zip.classNames).toEqual(legacy.classNames);
    expect(zip.classNames?.slice(0, 3)).toEqual(["person", "bicycle", "car"]);
  });

  test("timm's file becomes the official one: same names in the same order, same batch-norm scales, same bits else", async () => {
    const [official, timm] = [await read("checkpoint.pth"), await read("checkpoint_timm.safetensors")];
    expect(Object.keys(timm.tensors)).toEqual(Object.keys(official.tensors));
    for (const [name, tensor] of Object.entries(official.tensors)) {
      const converted = timm.tensors[name]!;
      expect(converted.type).toEqual(tensor.type);
      if (/\.1\.weight$/.test(name)) {
        const scales = Array.from(tensor.data, scaleOfRawWeight);
        expect([name, Array.from(converted.data, scaleOfRawWeight)]).toEqual([name, scales]);
      } else {
        expect([name, bitsOf(converted).equals(bitsOf(tensor))]).toEqual([name, true]);
      }
    }
  });

  test("the official file becomes timm's bit for bit", async () => {
    const { tensors } = await readSafetensors(golden("tresnet_tiny/checkpoint_timm.safetensors"));
    const converted = officialToTimm((await read("checkpoint.pth")).tensors).tensors;
    expect(Object.keys(converted)).toEqual(Object.keys(tensors));
    for (const [name, tensor] of Object.entries(tensors)) {
      expect([name, bitsOf(converted[name]!).equals(bitsOf(tensor))]).toEqual([name, true]);
    }
  });
});

describe("the tiny TResNet with the bottleneck head", () => {
  test.each(["checkpoint.pth", "checkpoint_legacy.pth"])("%s", async (name) => {
    const { architecture, classNames } = await readCheckpoint(golden(`tresnet_tiny_bottleneck_head/${name}`));
    expect(architecture).toMatchObject({ blocks: [1, 1, 1, 1], numClasses: 40, bottleneckHead: { features: 32 } });
    expect(classNames).toHaveLength(40);
  });
});
