import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { Blocks } from "../src/file/blocks.js";
import { MemoryBytes } from "../src/file/memory-bytes.js";
import { ZipArchive } from "../src/file/zip.js";
import { golden } from "./support.js";

/** Blocks over bytes in memory, and where each read began. */
function blocksOver(bytes: Uint8Array) {
  const reads: number[] = [];
  const blocks = new Blocks(bytes.length, async (target, position) => {
    reads.push(position);
    await new Promise(setImmediate);
    target.set(bytes.subarray(position, position + target.length));
  });
  const piece = async (position: number, length: number) => {
    const target = new Uint8Array(length);
    await blocks.fill(target, position);
    return target;
  };
  return { reads, blocks, piece };
}

const FILE = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 2_654_435_761) >>> 13);

describe("pieces out of blocks", () => {
  const pieces = fc.array(
    fc.record({ position: fc.nat(FILE.length), length: fc.nat(2 ** 14) }).map(({ position, length }) => ({
      position,
      length: Math.min(length, FILE.length - position),
    })),
    { maxLength: 40 },
  );

  it("are the bytes of the file, at the same time or one after another", async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (wanted, together) => {
        const { piece } = blocksOver(FILE);
        const got: Uint8Array[] = [];
        if (together) got.push(...(await Promise.all(wanted.map(({ position, length }) => piece(position, length)))));
        else for (const { position, length } of wanted) got.push(await piece(position, length));
        for (const [i, { position, length }] of wanted.entries()) {
          expect(Buffer.compare(got[i]!, FILE.subarray(position, position + length))).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("side by side take one read a block, in which they are asked for together", async () => {
    const { reads, piece } = blocksOver(FILE);
    await Promise.all(Array.from({ length: 512 }, (_, i) => piece(256 * i, 256)));
    expect(reads).toEqual([0, 2 ** 16]);
  });

  it("are read again when their block could not be", async () => {
    let failures = 1;
    const blocks = new Blocks(FILE.length, async (target, position) => {
      if (failures-- > 0) throw new Error("a bad sector");
      target.set(FILE.subarray(position, position + target.length));
    });
    const target = new Uint8Array(8);
    await expect(blocks.fill(target, 40)).rejects.toThrow("a bad sector");
    await blocks.fill(target, 40);
    expect(target).toEqual(FILE.slice(40, 48));
  });
});

/** Reads pieces as a file does, out of blocks. */
class BlockedBytes extends MemoryBytes {
  readonly counted: ReturnType<typeof blocksOver>;
  constructor(file: string, bytes: Uint8Array) {
    super(file, bytes);
    this.counted = blocksOver(bytes);
  }
  override readInto(target: Uint8Array, position: number): Promise<void> {
    return this.counted.blocks.fill(target, position);
  }
}

test("the directory of hundreds of entries takes a few reads, and gives what each entry holds", async () => {
  const file = golden("tresnet_tiny/checkpoint.pth");
  const bytes = await readFile(file);
  const source = new BlockedBytes(file, bytes);
  const archive = await ZipArchive.open(source);
  expect(archive.names.length).toBeGreaterThan(100);
  expect(source.counted.reads.length).toBeLessThan(6);
  // local headers are asked for at the same time
  const contents = await Promise.all(archive.names.map((name) => archive.read(name)));
  expect(contents.map(({ byteLength }) => byteLength)).toEqual(archive.names.map((name) => archive.sizeOf(name)));
  const place = await archive.locate(archive.names.at(-1)!);
  expect(bytes.subarray(place!.start, place!.start + place!.size)).toEqual(Buffer.from(contents.at(-1)!));
});
