/**
 * Seeded random numbers that depend on nothing but their key: the same key gives the same numbers on every machine
 * and in every worker thread.
 *
 * Generator: sfc32 ("small fast chaotic", Chris Doty-Humphrey, PractRand): 96 bits of chaotic state and a 32-bit
 * counter. Key: every word is absorbed by each of the four state words through the finaliser of MurmurHash3
 * (Austin Appleby), so neighbouring keys, such as (seed, epoch, 0) and (seed, epoch, 1), start far apart.
 */

/** A part of a key: a safe integer or a name. */
export type RandomKey = number | string;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** Throws RangeError when a numeric part of the key is not a safe integer. */
  constructor(...key: readonly RandomKey[]) {
    const words = key.flatMap(wordsOf);
    this.#a = absorb(0x243f6a88, words);
    this.#b = absorb(0x85a308d3, words);
    this.#c = absorb(0x13198a2e, words);
    this.#counter = absorb(0x03707344, words);
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    // t = a + b + counter; a = b ^ (b >> 9); b = c + (c << 3); c = rotl(c, 21) + t
    const output = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + output) | 0;
    return output >>> 0;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** A uniform number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A uniform integer in [0, count), without bias; count in 1 .. 2^32. */
  integer(count: number): number {
    if (!Number.isInteger(count) || count < 1 || count > 0x100000000) {
      throw new RangeError(`Random.integer: count must be an integer in 1 .. 2^32; got ${count}`);
    }
    // Values past the last whole multiple of count would favour small results.
    const limit = 0x100000000 - (0x100000000 % count);
    for (;;) {
      const value = this.uint32();
      if (value < limit) return value % count;
    }
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A uniform element; the array must not be empty. */
  pick<T>(values: readonly T[]): T {
    return values[this.integer(values.length)] as T;
  }

  /** Puts the array into a uniformly random order, in place (Fisher and Yates). */
  shuffle(values: Uint32Array | unknown[]): void {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const value = values[last];
      values[last] = values[other] as never;
      values[other] = value as never;
    }
  }
}

function wordsOf(part: RandomKey): number[] {
  if (typeof part === "string") {
    const bytes = new TextEncoder().encode(part);
    return [bytes.length | 0x40000000, ...bytes];
  }
  if (!Number.isSafeInteger(part)) throw new RangeError(`a random seed must be a safe integer; got ${part}`);
  return [part | 0, Math.floor(part / 0x100000000) | 0];
}

function absorb(start: number, words: readonly number[]): number {
  let state = start;
  for (const word of words) state = (Math.imul(finalise(state ^ word), 5) + 0x6b43a9b5) | 0;
  return finalise(state ^ words.length);
}

/** MurmurHash3's 32-bit finaliser: every input bit changes every output bit with probability near 1/2. */
function finalise(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
