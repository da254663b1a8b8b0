import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { CheckpointError, causeOf } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { copyInto } from "../file/chunks.js";
import type { Host, ZipEntries } from "../host.js";

export const BROWSER: Host = {
  sha256() {
    const hash = sha256.create();
    return { update: (bytes) => hash.update(bytes), hex: () => bytesToHex(hash.digest()) };
  },
  openZip,
};

/** On @zip.js/zip.js, which is loaded for the first archive: a safetensors file does without. */
async function openZip(file: ByteSource): Promise<ZipEntries> {
  const { configure, Reader, Uint8ArrayWriter, ZipReader } = await import("@zip.js/zip.js");
  configure({ useWebWorkers: false });
  class SourceReader extends Reader<ByteSource> {
    override readonly size = file.size;
    override readUint8Array = (position: number, length: number) =>
      file.read(position, Math.min(length, file.size - position));
  }
  const damaged = (what: string, error: unknown) =>
    new CheckpointError(file.file, `${what} (${causeOf(error)})`, { cause: error });
  const found = await new ZipReader(new SourceReader(file)).getEntries().catch((error: unknown) => {
    throw damaged("damaged or truncated zip archive", error);
  });
  // Overlapping entries are how a small file pretends to hold a large one.
  if (found.reduce((packed, entry) => packed + entry.compressedSize, 0) > file.size) {
    throw damaged("damaged zip archive", "its entries are larger than the file");
  }
  const entries = new Map(found.map((entry) => [entry.filename, entry]));
  const read = async (name: string): Promise<Uint8Array> => {
    const entry = entries.get(name);
    if (entry === undefined || entry.directory) {
      throw new CheckpointError(file.file, `the zip archive has no entry "${name}"`);
    }
    try {
      // 0 stands where a writer computes no CRC-32, as PyTorch can be told to.
      return await entry.getData(new Uint8ArrayWriter(), { checkSignature: entry.signature !== 0 });
    } catch (error) {
      throw damaged(`entry "${name}" of the zip archive is damaged`, error);
    }
  };
  return {
    names: [...entries.keys()],
    sizeOf: (name) => entries.get(name)?.uncompressedSize,
    prepare: async () => undefined,
    read: async (name) => new Uint8Array(await read(name)).buffer,
    readInto: async (target, name) => copyInto(target, await read(name)),
  };
}
