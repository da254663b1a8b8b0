import { CheckpointError } from "../errors.js";
import type { ByteSource } from "./byte-source.js";
import { copyInto, type Memory } from "./chunks.js";

/** The content of a file in memory. */
export class MemoryBytes implements ByteSource {
  readonly file: string;
  readonly #bytes: Uint8Array;

  /** `file` is what errors call it. */
  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    // A plain view: slice() of a Node.js Buffer would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.#bytes.byteLength;
  }

  async readInto(target: Memory, position: number): Promise<void> {
    copyInto(target, this.#view(position, target.byteLength));
  }

  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#view(position, length).slice();
  }

  async readBuffer(position: number, length: number): Promise<ArrayBuffer> {
    return this.#view(position, length).slice().buffer;
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #view(position: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(position) || position < 0 || position + length > this.size) {
      throw truncated(this.file, position, length, this.size);
    }
    return this.#bytes.subarray(position, position + length);
  }
}

/** A length that a damaged file states reaches beyond its end. */
export const truncated = (file: string, position: number, length: number, size: number): CheckpointError =>
  new CheckpointError(
    file,
    `truncated or damaged: ${length} bytes are needed at byte ${position}, but the file has ${size}`,
  );
