import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { MemoryBytes } from "../src/file/memory-bytes.js";
import { ZipArchive } from "../src/file/zip.js";
import { golden } from "./support.js";

/** Counts what is asked of a file. */
class CountedBytes extends MemoryBytes {
  reads = 0;
  override readInto(target: Uint8Array, position: number): Promise<void> {
    this.reads++;
    return super.readInto(target, position);
  }
  override read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.reads++;
    return super.read(position, length);
  }
}

test("the directory of hundreds of entries takes a few reads, and gives what each entry holds", async () => {
  const file = golden("tresnet_tiny/checkpoint.pth");
  const bytes = await readFile(file);
  const source = new CountedBytes(file, bytes);
  const archive = await ZipArchive.open(source);
  expect(archive.names.length).toBeGreaterThan(100);
  expect(source.reads).toBeLessThan(6);
  // local headers are asked for at the same time
  const contents = await Promise.all(archive.names.map((name) => archive.read(name)));
  expect(contents.map(({ byteLength }) => byteLength)).toEqual(archive.names.map((name) => archive.sizeOf(name)));
  const place = await archive.locate(archive.names.at(-1)!);
  expect(bytes.subarray(place!.start, place!.start + place!.size)).toEqual(Buffer.from(contents.at(-1)!));
});
