import type { ByteSource } from "./file/byte-source.js";
import type { Memory } from "./file/chunks.js";

/** A running SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown;
  /** 64 hexadecimal digits; ends it. */
  hex(): string;
}

/** The entries of a zip archive, usable as long as its file is open. */
export interface ZipEntries {
  readonly names: readonly string[];
  /** Bytes once unpacked. */
  sizeOf(name: string): number | undefined;
  /** Makes `read` of an entry quicker later on, where that is possible. */
  prepare(name: string): Promise<void>;
  /** The unpacked bytes of an entry, checked against its CRC-32, in a buffer of exactly that size. */
  read(name: string): Promise<ArrayBuffer>;
  /** The same into memory of exactly that size. */
  readInto(target: Memory, name: string): Promise<void>;
}

/** What the readers need and Node.js and browsers have in ways of their own. */
export interface Host {
  sha256(): Sha256;
  /** Throws CheckpointError for what is no archive. */
  openZip(file: ByteSource): Promise<ZipEntries>;
}
