import { DatasetError } from "./errors.js";

const START = 1024;
/** Offsets are 32 bits. */
const MOST_BYTES = 2 ** 32 - 1;

/** Numbers that are appended one by one; twice as long whenever full. */
export class GrowingUint32 {
  #values = new Uint32Array(START);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** A view of what is there; not valid after the next `push`. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  /** A copy in memory that threads share. */
  shared(): Uint32Array {
    const copy = new Uint32Array(new SharedArrayBuffer(4 * this.#length));
    copy.set(this.view());
    return copy;
  }
}

/** Bytes that are appended one by one or as UTF-8. */
export class GrowingBytes {
  #bytes = Buffer.alloc(START);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  append(text: string): void {
    this.#reserve(3 * text.length); // UTF-8 takes at most 3 bytes for a unit of UTF-16
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  shared(): Uint8Array {
    const copy = new Uint8Array(new SharedArrayBuffer(this.#length));
    copy.set(this.#bytes.subarray(0, this.#length));
    return copy;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > MOST_BYTES) throw new DatasetError("dataset: the names of its pictures take more than 4 GiB");
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.min(MOST_BYTES, Math.max(needed, 2 * this.#bytes.length)));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
