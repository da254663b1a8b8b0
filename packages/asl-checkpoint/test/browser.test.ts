import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkpointBytes, readCheckpointBytes } from "../src/browser.js";
import { readCheckpoint, writeCheckpoint } from "../src/index.js";
import { bitsOf, failure, fixture, golden, temporaryFolder } from "./support.js";

const TRESNETS = ["checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_timm.safetensors"].map((name) =>
  golden(`tresnet_tiny/${name}`),
);
const OTHERS = (await readdir(fixture("."))).filter((name) => /\.(pth|pt|pkl|safetensors)$/.test(name)).map(fixture);

describe("bytes in memory", () => {
  // the readers of files and of bytes share all but the archive, the digest and the disk
  test.each([...TRESNETS, ...OTHERS].map((file) => [path.basename(file), file]))(
    "%s: the same checkpoint or the same refusal as from the file",
    async (name, file) => {
      const bytes = await readFile(file);
      let fromFile: Awaited<ReturnType<typeof readCheckpoint>>;
      try {
        fromFile = await readCheckpoint(file);
      } catch (error) {
        expect((await failure(readCheckpointBytes(bytes, file))).message).toBe((error as Error).message);
        return;
      }
      const { tensors, ...about } = await readCheckpointBytes(bytes, name);
      const { tensors: expected, ...aboutFile } = fromFile;
      expect(about).toEqual(aboutFile);
      expect(Object.keys(tensors)).toEqual(Object.keys(expected));
      for (const [key, tensor] of Object.entries(tensors)) {
        expect([key, tensor.type, Buffer.compare(bitsOf(tensor), bitsOf(expected[key]!))]).toEqual([
          key,
          expected[key]!.type,
          0,
        ]);
      }
    },
  );

  test("a checkpoint is written to the same bytes", async () => {
    const { tensors, architecture, classNames } = await readCheckpoint(TRESNETS[0]!);
    const numClasses = architecture!.numClasses!;
    const content = {
      tensors,
      metadata: {
        model: { ...architecture!, numClasses },
        classNames: classNames!,
        thresholds: 0.8,
        imageSize: 64,
        resizeFilter: "bicubic",
        recipe: {},
        step: 0,
        epoch: 0,
        metrics: {},
        weights: "regular",
      },
    } as const;
    const file = path.join(await temporaryFolder(), "a.safetensors");
    await writeCheckpoint(file, content);
    const bytes = await checkpointBytes("a.safetensors", content);
    expect(Buffer.compare(bytes, await readFile(file))).toBe(0);
    expect((await readCheckpointBytes(bytes, "a.safetensors")).classNames).toEqual(classNames);
  });

  test("damage is found: in a safetensors file by its SHA-256, in a .pth by the entry's CRC-32", async () => {
    const pth = await readFile(TRESNETS[0]!);
    pth[Math.floor(pth.length / 2)]! ^= 1;
    expect((await failure(readCheckpointBytes(pth, "a.pth"))).message).toMatch(
      /^a\.pth: entry "[^"]+" of the zip archive is damaged/,
    );
    const own = path.join(await temporaryFolder(), "b.safetensors");
    const { tensors, architecture } = await readCheckpoint(TRESNETS[0]!);
    const metadata = {
      model: { ...architecture!, numClasses: 20 },
      classNames: Array.from({ length: 20 }, (_, i) => `${i}`),
      ...({ thresholds: 0.8, imageSize: 64, resizeFilter: "bicubic", weights: "regular" } as const),
      ...{ recipe: {}, step: 0, epoch: 0, metrics: {} },
    };
    await writeFile(own, await checkpointBytes(own, { tensors, metadata }));
    const bytes = await readFile(own);
    bytes[bytes.length - 1]! ^= 1;
    expect((await failure(readCheckpointBytes(bytes, "b.safetensors"))).message).toMatch(/does not match the SHA-256/);
  });
});
