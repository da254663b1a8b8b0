import { InputError } from "../errors/errors.js";
import { absorb } from "./hash.js";
import { logarithm } from "./logarithm.js";

/** All that a generator remembers, as plain JSON: it goes into training snapshots. */
export interface RandomState {
  readonly algorithm: "sfc32";
  /** a, b, c and the counter, each an integer in [0, 2^32). */
  readonly words: readonly [number, number, number, number];
  /** The second number of the last normal pair, when it is still to be handed out. */
  readonly spareNormal: number | null;
}

/**
 * A seeded generator whose numbers are the same bits on every engine and machine.
 *
 * sfc32, "small fast chaotic", by Chris Doty-Humphrey (PractRand): three words of chaotic state and a counter, so
 * that no state has a period below 2^32. Passes PractRand and BigCrush.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;
  #spareNormal: number | null;

  /** Most callers want `createRandom(seed)` or `restoreRandom(state)`. */
  constructor({ words: [a, b, c, counter], spareNormal }: Omit<RandomState, "algorithm">) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#counter = counter | 0;
    this.#spareNormal = spareNormal;
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    // t = a + b + counter++;  a = b ^ (b >> 9);  b = c + (c << 3);  c = rotl(c, 21) + t
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** A uniform multiple of 2^-53 in [0, 1). */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /**
   * A standard normal number, by Marsaglia's polar method (Marsaglia and Bray, 1964). Engines round Math.log as they
   * like, so the logarithm is a series of + - * / here; Math.sqrt is IEEE's on every engine.
   */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== null) {
      this.#spareNormal = null;
      return spare;
    }
    for (;;) {
      // (u, v) uniform in the unit disc, s = u^2 + v^2:  u sqrt(-2 ln s / s) and v sqrt(-2 ln s / s) are normal
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * logarithm(s)) / s);
      this.#spareNormal = v * scale;
      return u * scale;
    }
  }

  /** A uniform integer in [0, n) without bias; n in 1 .. 2^32. Throws InputError for any other n. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new InputError(`Random.integer: n must be an integer in 1 .. 2^32; got ${n}`);
    }
    // Draws past the last whole multiple of n would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const draw = this.uint32();
      if (draw < limit) return draw % n;
    }
  }

  /** A uniform number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A uniform element. Throws InputError for an empty array. */
  pick<T>(values: readonly T[]): T {
    return values[this.integer(values.length)] as T;
  }

  /** Puts the array into a uniformly random order, in place (Fisher and Yates). */
  shuffle(array: unknown[] | Int32Array | Uint32Array | Float32Array | Float64Array): void {
    const items = array as { [index: number]: unknown };
    for (let last = array.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const item = items[last];
      items[last] = items[other];
      items[other] = item;
    }
  }

  /** A snapshot; `restoreRandom` goes on from it with the same numbers. */
  state(): RandomState {
    return {
      algorithm: "sfc32",
      words: [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#counter >>> 0],
      spareNormal: this.#spareNormal,
    };
  }
}

/** A part of a key: a safe integer or a text. */
export type RandomKey = number | string;

/**
 * A generator from a key: a seed, and whatever tells its uses apart (`createRandom(seed, "shuffle", epoch)`).
 * Different keys give unrelated numbers. Throws InputError for a number that is not a safe integer.
 */
export function createRandom(seed: RandomKey, ...parts: readonly RandomKey[]): Random {
  const key = [seed, ...parts].flatMap(wordsOf);
  // The start words are the first fractional bits of pi: numbers with nothing up their sleeve.
  const words = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344].map((start) => absorb(start, key)) as [
    number,
    number,
    number,
    number,
  ];
  const random = new Random({ words, spareNormal: null });
  // PractRand's own seeding runs 12 to 15 rounds before the first number.
  for (let round = 0; round < 15; round++) random.uint32();
  return random;
}

/** The generator as it was when `state()` was taken. Throws InputError for anything that is not such a state. */
export function restoreRandom(state: RandomState): Random {
  const { algorithm, words, spareNormal } = state;
  const isWord = (word: unknown) => Number.isInteger(word) && (word as number) >= 0 && (word as number) < 2 ** 32;
  if (algorithm !== "sfc32" || !Array.isArray(words) || words.length !== 4 || !words.every(isWord)) {
    throw new InputError(
      `random state: expected {algorithm: "sfc32", words: [4 integers below 2^32]}; got ${JSON.stringify(state)}`,
    );
  }
  if (spareNormal !== null && !Number.isFinite(spareNormal)) {
    throw new InputError(`random state: spareNormal must be null or a finite number; got ${spareNormal}`);
  }
  return new Random(state);
}

function wordsOf(part: RandomKey): number[] {
  if (typeof part === "string") return textWords(part);
  if (!Number.isSafeInteger(part)) throw new InputError(`a random seed must be a safe integer; got ${part}`);
  return [part | 0, Math.floor(part / 2 ** 32) | 0];
}

/** UTF-16 code units after their count, which keeps ("ab", "c") apart from ("a", "bc"), and text from numbers. */
function textWords(text: string): number[] {
  return [text.length | 0x40000000, ...Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))];
}
