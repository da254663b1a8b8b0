import { type FileHandle, open, stat } from "node:fs/promises";
import path from "node:path";
import { f32, type TensorData } from "asl-core";
import { describe, expect, test } from "vitest";
import { openSafetensors, writeSafetensors } from "../src/index.js";
import { headerEntry, temporaryFolder, values } from "./support.js";

describe("files beyond 2 GiB", () => {
  const GIB = 2 ** 30;

  /** A sparse file takes no room: a header, a large hole of zeros, and a few numbers at the end. */
  async function sparse(handle: FileHandle, hole: number, tail: readonly number[]): Promise<void> {
    const json = `{"hole":${headerEntry("U8", [hole], [0, hole])},"tail":${headerEntry("F32", [tail.length], [hole, hole + 4 * tail.length])}}`;
    const header = Buffer.alloc(8 + json.length);
    header.writeBigUInt64LE(BigInt(json.length));
    header.write(json, 8);
    await handle.write(header, 0, header.length, 0);
    const data = Buffer.from(Float32Array.from(tail).buffer);
    await handle.write(data, 0, data.length, header.length + hole);
  }

  /** A file that leaves out what is zero anyway, but for the last bytes of each write: it takes no room on the disk. */
  async function openSparse(file: string): Promise<FileHandle> {
    const handle = await open(file, "wx");
    const write = handle.write.bind(handle);
    const sparse = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
      const kept = Math.min(length, 1 << 16);
      await write(bytes, offset + length - kept, kept, position + length - kept);
      return { bytesWritten: length, buffer: bytes };
    };
    return Object.assign(handle, { write: sparse });
  }

  test("a tensor behind 5 GiB is read without reading what is before it", async () => {
    const file = path.join(await temporaryFolder(), "large.safetensors");
    const handle = await open(file, "w");
    await sparse(handle, 5 * GIB + 4, [1.5, -2, 3]);
    await handle.close();
    await using opened = await openSafetensors(file);
    expect(values(await opened.read("tail"))).toEqual([1.5, -2, 3]);
  });

  test("tensors are written one after another, only one in memory at a time", async () => {
    const file = path.join(await temporaryFolder(), "large.safetensors");
    const size = 2 ** 26;
    const layout = Array.from({ length: 20 }, (_, i) => ({
      name: `t${i}`,
      elementType: "F32" as const,
      shape: [size],
    }));
    const shared = new Float32Array(size); // 256 MiB, 20 times
    async function* data(): AsyncGenerator<TensorData> {
      for (let i = 0; i < layout.length; i++) {
        shared[size - 1] = i + 0.5;
        yield f32([size], shared);
      }
    }
    await writeSafetensors(file, { layout, data: data() }, {}, openSparse);
    expect((await stat(file)).size).toBeGreaterThan(5 * GIB);
    await using opened = await openSafetensors(file);
    for (const name of ["t0", "t19"]) {
      const { data: numbers } = await opened.read(name);
      expect([name, numbers.length, numbers.at(-2), numbers.at(-1)]).toEqual([
        name,
        size,
        0,
        Number(name.slice(1)) + 0.5,
      ]);
    }
  });
});
