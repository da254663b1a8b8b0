import type { Library } from "./library.js";

/** Scopes whose memory the library may be using: held here, nothing of theirs is collected. */
const open = new Set<CallScope>();

/** What the library uses in a call: arrays that are held for so long, and objects of its own that are released after it. */
export class CallScope {
  readonly #held: unknown[] = [];
  readonly #releases: (() => void)[] = [];

  constructor(private readonly library: Library) {
    open.add(this);
  }

  /** Holds the array; its address. Memory for nothing has an address too. */
  address(array: ArrayBufferView): bigint {
    const memory = array.byteLength === 0 ? new BigUint64Array(1) : array;
    this.#held.push(memory);
    return this.library.addressOf(memory);
  }

  hold(value: object): void {
    this.#held.push(value);
  }

  /** An array of addresses, or of sizes; its own address. */
  addresses(values: readonly bigint[]): bigint {
    return this.address(BigUint64Array.from(values));
  }

  onClose(release: () => void): void {
    this.#releases.push(release);
  }

  /** Objects in the reverse order of their making. */
  close(): void {
    for (const release of this.#releases.reverse()) release();
    open.delete(this);
  }
}
