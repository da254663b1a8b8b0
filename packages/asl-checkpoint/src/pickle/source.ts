import { utf8, viewOf } from "../file/text.js";
import { PickleFormatError, PickleTruncatedError } from "./format-error.js";

/** The bytes of a pickle with a reading position. Every read is bounds-checked, so no length in the file is trusted. */
export class PickleSource {
  readonly #bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.position = position;
  }

  get length(): number {
    return this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.position + length;
    if (!(length >= 0)) throw new PickleFormatError(`a length of ${length}`);
    if (end > this.#bytes.length) throw new PickleTruncatedError();
    const bytes = this.#bytes.subarray(this.position, end);
    this.position = end;
    return bytes;
  }

  uint8(): number {
    return this.take(1)[0]!;
  }
  uint16(): number {
    return viewOf(this.take(2)).getUint16(0, true);
  }
  uint32(): number {
    return viewOf(this.take(4)).getUint32(0, true);
  }
  int32(): number {
    return viewOf(this.take(4)).getInt32(0, true);
  }
  /** A length: at most 2^53 - 1. */
  uint64(): number {
    const value = viewOf(this.take(8)).getBigUint64(0, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new PickleFormatError(`a length of ${value}`);
    return Number(value);
  }
  /** Pickle's only big-endian field. */
  float64(): number {
    return viewOf(this.take(8)).getFloat64(0);
  }
  utf8(length: number): string {
    return utf8(this.take(length));
  }
  /** Text up to a line feed, at most 64 KiB. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new PickleTruncatedError();
    if (end - this.position > 0xffff) throw new PickleFormatError("a line of more than 64 KiB");
    const text = this.utf8(end - this.position);
    this.position = end + 1;
    return text;
  }
  /** A little-endian two's complement integer of any length: a number when it is safe, else a bigint. */
  long(length: number): number | bigint {
    if (length > 1024) throw new PickleFormatError(`an integer of ${length} bytes`);
    const bytes = this.take(length);
    if (length === 0) return 0;
    const unsigned = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const value = BigInt.asIntN(length * 8, unsigned);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
}
