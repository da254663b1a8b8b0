import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Tensors } from "asl-core";
import { describe, expect, it } from "vitest";
import {
  beginCheckpoint,
  type CheckpointMetadata,
  inspectTresnet,
  readCheckpoint,
  writeCheckpoint,
  writeSafetensors,
} from "../src/index.js";
import { failure, fixture, golden, temporaryFolder } from "./support.js";

const isKernel = (shape: readonly number[]) => shape.length === 4;
const OFFICIAL = golden("tresnet_tiny/checkpoint.pth");
const KERNEL = "body.layer4.0.conv2.0.0.weight";

const dataOf = (tensors: Tensors) => Object.values(tensors).map(({ data }) => data);

/** The network of OFFICIAL as this project writes it, with its SHA-256, and plain. */
async function written(): Promise<Record<"own" | "plain", string>> {
  const { tensors } = await readCheckpoint(OFFICIAL);
  const classes = 20;
  const model = { ...inspectTresnet(tensors), numClasses: classes };
  const metadata: CheckpointMetadata = {
    ...{ model, classNames: Array.from({ length: classes }, (_, i) => `class ${i}`), thresholds: 0.5 },
    ...{ imageSize: 64, resizeFilter: "bicubic", recipe: {}, step: 1, epoch: 1, metrics: {}, weights: "regular" },
  };
  const folder = await temporaryFolder();
  const files = { own: path.join(folder, "own.safetensors"), plain: path.join(folder, "plain.safetensors") };
  await writeCheckpoint(files.own, { tensors, metadata });
  await writeSafetensors(files.plain, { tensors });
  return files;
}

/** A copy with one bit of a kernel's numbers changed. */
async function damaged(file: string): Promise<string> {
  const { tensors } = await readCheckpoint(file);
  const { buffer, byteOffset, byteLength } = tensors[KERNEL]!.data as Float32Array;
  const bytes = await readFile(file);
  const at = bytes.indexOf(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  expect(at).toBeGreaterThan(0);
  bytes[at + 100]! ^= 1;
  const copy = path.join(await temporaryFolder(), path.basename(file));
  await writeFile(copy, bytes);
  return copy;
}

describe("a checkpoint whose kernels come later", () => {
  const goldens = ["checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_timm.safetensors"];
  it.each(goldens.map((name) => `tresnet_tiny/${name}`))("is in the end what reading it gives: %s", async (name) => {
    const { content, rest } = await beginCheckpoint(golden(name), { isLater: isKernel });
    await rest;
    expect(content).toEqual(await readCheckpoint(golden(name)));
  });

  it.each(["deflated.pth", "data_parallel.pth", "lightning.pth"])("so is %s", async (name) => {
    const { content, rest } = await beginCheckpoint(fixture(name), { isLater: () => true });
    await rest;
    expect(content).toEqual(await readCheckpoint(fixture(name)));
  });

  it("so is what this project writes", async () => {
    for (const file of Object.values(await written())) {
      const { content, rest } = await beginCheckpoint(file, { isLater: isKernel });
      await rest;
      expect(content).toEqual(await readCheckpoint(file));
    }
  });

  it("has its other numbers, and the arrays that it will have, from the beginning", async () => {
    for (const file of [OFFICIAL, (await written()).own]) {
      const { content, rest } = await beginCheckpoint(file, { isLater: isKernel });
      const arrays = dataOf(content.tensors);
      const { tensors } = await readCheckpoint(file);
      for (const [name, { type, data }] of Object.entries(tensors)) {
        if (!isKernel(type.shape)) expect(content.tensors[name]!.data, name).toEqual(data);
      }
      await rest;
      expect(dataOf(content.tensors).every((data, i) => data === arrays[i])).toBe(true);
    }
  });

  it("tells of damage that only the whole file shows, as reading it does", async () => {
    const { own } = await written();
    for (const [file, message] of [
      [own, "its content does not match the SHA-256 it carries"],
      [OFFICIAL, "of the zip archive is damaged: its CRC-32 is"],
    ] as const) {
      const copy = await damaged(file);
      const { rest } = await beginCheckpoint(copy, { isLater: isKernel });
      const error = await failure(rest);
      expect(error.message).toContain(message);
      expect((await failure(readCheckpoint(copy))).message).toBe(error.message);
    }
  });
});
