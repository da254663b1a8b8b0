import type { Memory } from "./chunks.js";

/** Bytes that are read at given positions, of a file or in memory. Every error names the file. */
export interface ByteSource extends AsyncDisposable {
  /** What errors call it. */
  readonly file: string;
  readonly size: number;
  /** Fills `target` from `position` on; an error if the bytes end before. */
  readInto(target: Memory, position: number): Promise<void>;
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same as a buffer of exactly that length, of any size. */
  readBuffer(position: number, length: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}
