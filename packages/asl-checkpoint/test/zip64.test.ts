import { open } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { RandomAccessFile } from "../src/file/random-access.js";
import { ZipArchive } from "../src/file/zip.js";
import { readCheckpoint } from "../src/index.js";
import { failure, fixture, temporaryFolder, values } from "./support.js";

const GIB = 2 ** 30;

interface Part {
  readonly name: string;
  /** Bytes, or the length of a hole of zeros. */
  readonly content: Buffer | number;
}

/** Fields of the given widths, little-endian. */
function fields(...pairs: readonly (readonly [value: number, bytes: 2 | 4 | 8])[]): Buffer {
  return Buffer.concat(
    pairs.map(([value, bytes]) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(BigInt(value));
      return field.subarray(0, bytes);
    }),
  );
}

/** A zip64 archive of stored entries; holes take no room on the disk. */
async function writeZip64(file: string, parts: readonly Part[]): Promise<void> {
  const handle = await open(file, "w");
  let position = 0;
  const put = async (bytes: Buffer): Promise<void> => {
    await handle.write(bytes, 0, bytes.length, position);
    position += bytes.length;
  };
  const directory: Buffer[] = [];
  for (const { name, content } of parts) {
    const size = typeof content === "number" ? content : content.length;
    const checksum = typeof content === "number" ? 0 : crc32(content);
    const start = position;
    const common = fields([45, 2], [0, 2], [0, 2], [0, 4], [checksum, 4], [0xffffffff, 4], [0xffffffff, 4]);
    const sizes = fields([1, 2], [16, 2], [size, 8], [size, 8]);
    await put(Buffer.concat([fields([0x04034b50, 4]), common, fields([name.length, 2], [sizes.length, 2])]));
    await put(Buffer.concat([Buffer.from(name), sizes]));
    if (typeof content === "number") position += content;
    else await put(content);
    const extra = fields([1, 2], [24, 2], [size, 8], [size, 8], [start, 8]);
    const rest = fields([name.length, 2], [extra.length, 2], [0, 2], [0, 2], [0, 2], [0, 4], [0xffffffff, 4]);
    directory.push(Buffer.concat([fields([0x02014b50, 4], [45, 2]), common, rest, Buffer.from(name), extra]));
  }
  const start = position;
  const entries = Buffer.concat(directory);
  await put(entries);
  const end = position;
  const counts = fields([parts.length, 8], [parts.length, 8], [entries.length, 8], [start, 8]);
  await put(Buffer.concat([fields([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4]), counts]));
  await put(fields([0x07064b50, 4], [0, 4], [end, 8], [1, 4]));
  await put(
    fields([0x06054b50, 4], [0, 2], [0, 2], [0xffff, 2], [0xffff, 2], [0xffffffff, 4], [0xffffffff, 4], [0, 2]),
  );
  await handle.close();
}

async function entriesOf(archive: string): Promise<Part[]> {
  await using file = await RandomAccessFile.open(fixture(archive));
  const zip = await ZipArchive.open(file);
  const parts: Part[] = [];
  for (const name of zip.names) parts.push({ name, content: Buffer.from(await zip.read(name)) });
  return parts;
}

describe("a .pth beyond 4 GiB", () => {
  test("is read at 64-bit positions, and only the entries that are needed", async () => {
    const file = path.join(await temporaryFolder(), "large.pth");
    await writeZip64(file, [{ name: "optimizer", content: 5 * GIB }, ...(await entriesOf("data_parallel.pth"))]);
    const { tensors, format } = await readCheckpoint(file);
    expect(format).toBe("pth-zip");
    expect(values(tensors["head.fc.bias"])).toEqual([0, 1, 2]);
  });
});

describe("a damaged zip archive", () => {
  test("an entry whose bytes changed is named", async () => {
    const file = path.join(await temporaryFolder(), "a.pth");
    await writeZip64(file, await entriesOf("data_parallel.pth"));
    await using source = await RandomAccessFile.open(file);
    const bytes = Buffer.from(await source.read(0, source.size));
    const storage = bytes.indexOf(Buffer.from(Float32Array.of(0, 1, 2).buffer));
    const handle = await open(file, "r+");
    await handle.write(Buffer.of(7), 0, 1, storage);
    await handle.close();
    const { message } = await failure(readCheckpoint(file));
    expect(message).toMatch(/a\.pth: entry "[^"]+\/data\/\d" of the zip archive is damaged: its CRC-32 is [0-9a-f]{8}/);
  });

  test("entries that claim more bytes than the file has, and two of one name, are refused", async () => {
    const folder = await temporaryFolder();
    const twice = path.join(folder, "twice.pth");
    const part = { name: "data.pkl", content: Buffer.from("N.") };
    await writeZip64(twice, [part, part]);
    expect((await failure(readCheckpoint(twice))).message).toContain('two entries are called "data.pkl"');
    const claims = path.join(folder, "claims.pth");
    await writeZip64(claims, [part]);
    const handle = await open(claims, "r+");
    await using source = await RandomAccessFile.open(claims);
    const directory = Buffer.from(await source.read(0, source.size)).indexOf(Buffer.from("PK\u0001\u0002"));
    await handle.write(fields([GIB, 8], [GIB, 8]), 0, 16, directory + 46 + part.name.length + 4);
    await handle.close();
    expect((await failure(readCheckpoint(claims))).message).toContain("its entries are larger than the file");
  });
});
