import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import yauzl from "yauzl";
import { CheckpointError, causeOf } from "../errors.js";
import type { ZipEntries } from "../host.js";
import type { ByteSource } from "./byte-source.js";
import { chunksOf, copyInto, type Memory } from "./chunks.js";

const STORED = 0;
const DEFLATED = 8;
/** Deflate cannot shrink data more than this, so a larger declared size is a lie. */
const MAX_DEFLATE_RATIO = 1032;

/** yauzl's view of an open file, which it asks for many small pieces. */
class FileReader extends yauzl.RandomAccessReader {
  readonly #file: ByteSource;

  constructor(file: ByteSource) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#file.readInto(buffer.subarray(offset, offset + length), position).then(
      () => callback(null),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

/** A zip archive (also zip64, larger than 4 GiB) whose entries are read one by one. Checks sizes and CRC-32. */
export class ZipArchive implements ZipEntries {
  readonly #file: ByteSource;
  readonly #zip: yauzl.ZipFile;
  readonly #entries: ReadonlyMap<string, yauzl.Entry>;
  /** Of entries that were prepared. */
  readonly #starts = new Map<string, number>();

  private constructor(file: ByteSource, zip: yauzl.ZipFile, entries: ReadonlyMap<string, yauzl.Entry>) {
    this.#file = file;
    this.#zip = zip;
    this.#entries = entries;
  }

  /** Reads the central directory. The archive stays usable as long as `file` is open. */
  static async open(file: ByteSource): Promise<ZipArchive> {
    const entries = new Map<string, yauzl.Entry>();
    try {
      // yauzl closes its reader when autoClose is on; the file itself stays ours.
      const zip = await yauzl.fromRandomAccessReaderPromise(new FileReader(file), file.size, { autoClose: false });
      let packed = 0;
      for await (const entry of zip.eachEntry()) {
        if (entries.has(entry.fileName)) throw new Error(`two entries are called "${entry.fileName}"`);
        entries.set(entry.fileName, entry);
        packed += entry.compressedSize;
        // Overlapping entries are how a small file pretends to hold a large one.
        if (packed > file.size) throw new Error("its entries are larger than the file");
      }
      return new ZipArchive(file, zip, entries);
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw new CheckpointError(file.file, `damaged or truncated zip archive (${causeOf(error)})`, { cause: error });
    }
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  sizeOf(name: string): number | undefined {
    return this.#entries.get(name)?.uncompressedSize;
  }

  /** Finds out where an entry's bytes begin, so that `read` asks for them at once. */
  async prepare(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#starts.set(name, await this.#dataStart(entry));
  }

  /** The unpacked bytes of an entry, in a buffer of exactly that size. */
  async read(name: string): Promise<ArrayBuffer> {
    const entry = this.#entry(name);
    const data = isStored(entry)
      ? await this.#file.readBuffer(await this.#dataStart(entry), entry.uncompressedSize)
      : new Uint8Array(await this.#inflated(entry)).buffer;
    this.#check(entry, data);
    return data;
  }

  /** The same into memory of exactly that size. */
  async readInto(target: Memory, name: string): Promise<void> {
    const entry = this.#entry(name);
    if (isStored(entry)) await this.#file.readInto(target, await this.#dataStart(entry));
    else copyInto(target, await this.#inflated(entry));
    this.#check(entry, target);
  }

  /** Where the bytes of an entry stand in the file; null when they are compressed. Their CRC-32 is not checked. */
  async locate(name: string): Promise<{ readonly start: number; readonly size: number } | null> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw this.#missing(name);
    if (!isStored(entry) || entry.isEncrypted()) return null;
    return { start: await this.#dataStart(entry), size: entry.uncompressedSize };
  }

  /** One that can be read. */
  #entry(name: string): yauzl.Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw this.#missing(name);
    if (entry.isEncrypted()) throw new CheckpointError(this.#file.file, `entry "${name}" is encrypted`);
    if (isStored(entry) && entry.compressedSize !== entry.uncompressedSize) {
      throw this.#damaged(name, "its two sizes differ");
    }
    if (!isStored(entry) && entry.compressionMethod !== DEFLATED) {
      throw new CheckpointError(
        this.#file.file,
        `entry "${name}" uses compression method ${entry.compressionMethod}; stored and deflated are supported`,
      );
    }
    return entry;
  }

  async #inflated(entry: yauzl.Entry): Promise<Buffer> {
    const name = entry.fileName;
    if (entry.uncompressedSize > MAX_DEFLATE_RATIO * (entry.compressedSize + 1)) {
      throw this.#damaged(name, `${entry.compressedSize} bytes cannot unpack to ${entry.uncompressedSize}`);
    }
    const packed = await this.#file.read(await this.#dataStart(entry), entry.compressedSize);
    let unpacked: Buffer;
    try {
      unpacked = await promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
    } catch (error) {
      throw this.#damaged(name, causeOf(error));
    }
    if (unpacked.length !== entry.uncompressedSize) {
      throw this.#damaged(name, `it unpacks to ${unpacked.length} bytes instead of ${entry.uncompressedSize}`);
    }
    return unpacked;
  }

  #check({ fileName, crc32: expected }: yauzl.Entry, data: Memory): void {
    const checksum = crc32Of(data);
    // 0 stands where a writer computes none, as PyTorch can be told to.
    if (checksum !== expected && expected !== 0) {
      throw this.#damaged(fileName, `its CRC-32 is ${hex(checksum)}, the archive says ${hex(expected)}`);
    }
  }

  async #dataStart(entry: yauzl.Entry): Promise<number> {
    const known = this.#starts.get(entry.fileName);
    if (known !== undefined) return known;
    try {
      return (await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart;
    } catch (error) {
      throw this.#damaged(entry.fileName, causeOf(error));
    }
  }

  #missing(name: string): CheckpointError {
    return new CheckpointError(this.#file.file, `the zip archive has no entry "${name}"`);
  }

  #damaged(entry: string, detail: string): CheckpointError {
    return new CheckpointError(this.#file.file, `entry "${entry}" of the zip archive is damaged: ${detail}`);
  }
}

const isStored = ({ compressionMethod }: yauzl.Entry): boolean => compressionMethod === STORED;

function crc32Of(data: Memory): number {
  let checksum = 0;
  for (const [chunk] of chunksOf(data)) checksum = crc32(chunk, checksum);
  return checksum;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
