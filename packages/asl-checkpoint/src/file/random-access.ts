import { type FileHandle, open } from "node:fs/promises";
import { CheckpointError, causeOf, systemCode } from "../errors.js";
import { Blocks, PIECE } from "./blocks.js";
import type { ByteSource } from "./byte-source.js";
import { chunksOf, type Memory } from "./chunks.js";
import { truncated } from "./memory-bytes.js";

/** A file of any size that is read at given positions. Every error names the file. */
export class RandomAccessFile implements ByteSource {
  readonly file: string;
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #blocks: Blocks;

  private constructor(file: string, size: number, handle: FileHandle) {
    this.file = file;
    this.size = size;
    this.#handle = handle;
    this.#blocks = new Blocks(size, (target, position) => this.#fill(target, position));
  }

  static async open(file: string): Promise<RandomAccessFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(file, "r");
      const status = await handle.stat();
      if (!status.isFile()) {
        const what = status.isDirectory() ? "a folder" : "not a regular file";
        throw new CheckpointError(file, `this is ${what}; give the name of a file`);
      }
      return new RandomAccessFile(file, status.size, handle);
    } catch (error) {
      await handle?.close();
      if (error instanceof CheckpointError) throw error;
      throw new CheckpointError(file, openFailure(error), { cause: error });
    }
  }

  /** Fills `target` from `position` on; an error if the file ends before. */
  async readInto(target: Memory, position: number): Promise<void> {
    this.#checkRange(position, target.byteLength);
    for (const [chunk, offset] of chunksOf(target)) {
      if (target.byteLength <= PIECE) await this.#blocks.fill(chunk, position);
      else await this.#fill(chunk, position + offset);
    }
  }

  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#checkRange(position, length);
    const buffer = new Uint8Array(length);
    await this.readInto(buffer, position);
    return buffer;
  }

  /** The same as a buffer of exactly that length, of any size. */
  async readBuffer(position: number, length: number): Promise<ArrayBuffer> {
    this.#checkRange(position, length);
    const buffer = new ArrayBuffer(length);
    await this.readInto(buffer, position);
    return buffer;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Before memory is taken: a length that a damaged file states is not to be believed. */
  #checkRange(position: number, length: number): void {
    if (Number.isSafeInteger(position) && position >= 0 && position + length <= this.size) return;
    throw truncated(this.file, position, length, this.size);
  }

  async #fill(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.byteLength; ) {
      const { bytesRead } = await this.#read(target, done, target.byteLength - done, position + done);
      if (bytesRead === 0) {
        throw new CheckpointError(this.file, `the file became shorter while it was read (at byte ${position + done})`);
      }
      done += bytesRead;
    }
  }

  async #read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.#handle.read(target, offset, length, position);
    } catch (error) {
      throw new CheckpointError(this.file, `cannot be read at byte ${position} (${causeOf(error)})`, { cause: error });
    }
  }
}

function openFailure(error: unknown): string {
  switch (systemCode(error)) {
    case "ENOENT":
      return "no such file";
    case "EACCES":
    case "EPERM":
      return "no permission to read it";
    default:
      return `cannot be opened (${causeOf(error)})`;
  }
}
