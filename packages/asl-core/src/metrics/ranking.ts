import type { Scores } from "./predictions.js";
import { UNANNOTATED } from "./predictions.js";

const DIGIT_BITS = 11;
const BUCKETS = 1 << DIGIT_BITS;
const LOW = BUCKETS - 1;
const DIGITS = 3; // 3 * 11 >= 32

/**
 * Ranks columns of scores, one after another, in buffers that are reused: highest first, ties by row, examples that
 * nobody annotated left out. Float32 scores take a radix sort (three counting passes over 32-bit keys), others a
 * comparison sort; the order is the same.
 */
export class ColumnRanking {
  readonly #rows: number;
  #keys: Uint32Array;
  #order: Uint32Array;
  #nextKeys: Uint32Array;
  #nextOrder: Uint32Array;
  readonly #counts = new Uint32Array(DIGITS * BUCKETS);

  /** Of columns of at most `rows` scores. */
  constructor(rows: number) {
    this.#rows = rows;
    [this.#keys, this.#order] = [new Uint32Array(rows), new Uint32Array(rows)];
    [this.#nextKeys, this.#nextOrder] = [new Uint32Array(rows), new Uint32Array(rows)];
  }

  /** The rows of one column, best first: a view that is valid until the next call. Scores must be finite. */
  rank(scores: Scores, targets: ArrayLike<number>): Uint32Array {
    if (scores.length > this.#rows) throw new RangeError(`a column of ${scores.length} scores; at most ${this.#rows}`);
    return scores instanceof Float32Array ? this.#radix(scores, targets) : this.#compare(scores, targets);
  }

  #compare(scores: Float64Array, targets: ArrayLike<number>): Uint32Array {
    const count = annotatedRows(targets, scores.length, this.#order);
    return this.#order.subarray(0, count).sort((i, j) => scores[j]! - scores[i]! || i - j);
  }

  #radix(scores: Float32Array, targets: ArrayLike<number>): Uint32Array {
    const [keys, order, counts] = [this.#keys, this.#order, this.#counts.fill(0)];
    const count = annotatedRows(targets, scores.length, order);
    const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
    for (let i = 0; i < count; i++) {
      const key = descendingKey(bits[order[i]!]!);
      keys[i] = key;
      counts[key & LOW]!++;
      counts[BUCKETS + ((key >>> DIGIT_BITS) & LOW)]!++;
      counts[2 * BUCKETS + (key >>> (2 * DIGIT_BITS))]!++;
    }
    for (let digit = 0; digit < DIGITS; digit++) this.#pass(digit, count);
    return this.#order.subarray(0, count);
  }

  /** One stable counting pass; nothing to do where all keys share the digit, as the lowest ones of half floats do. */
  #pass(digit: number, count: number): void {
    const places = this.#counts.subarray(digit * BUCKETS, (digit + 1) * BUCKETS);
    const shift = digit * DIGIT_BITS;
    if (count === 0 || places[(this.#keys[0]! >>> shift) & LOW] === count) return;
    let before = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const size = places[bucket]!;
      places[bucket] = before;
      before += size;
    }
    const [keys, order, nextKeys, nextOrder] = [this.#keys, this.#order, this.#nextKeys, this.#nextOrder];
    scatter(keys, order, nextKeys, nextOrder, places, shift, count);
    [this.#keys, this.#order, this.#nextKeys, this.#nextOrder] = [nextKeys, nextOrder, keys, order];
  }
}

function scatter(
  keys: Uint32Array,
  order: Uint32Array,
  nextKeys: Uint32Array,
  nextOrder: Uint32Array,
  places: Uint32Array,
  shift: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    const bucket = (key >>> shift) & LOW;
    const place = places[bucket]!;
    places[bucket] = place + 1;
    nextKeys[place] = key;
    nextOrder[place] = order[i]!;
  }
}

/**
 * 32 bits of a float32 -> a number that rises as the score falls. Of positive floats the bits rise with the value, of
 * negative ones they fall; -0 ranks with 0.
 */
function descendingKey(bits: number): number {
  if (bits === 0x80000000) return 0x7fffffff;
  return bits > 0x80000000 ? bits : 0x7fffffff - bits;
}

function annotatedRows(targets: ArrayLike<number>, rows: number, into: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < rows; row++) if (targets[row] !== UNANNOTATED) into[count++] = row;
  return count;
}

/** Copies a column out of a row-major matrix with `columns` columns. */
export function copyColumn<Numbers extends Scores | Int8Array>(
  matrix: ArrayLike<number>,
  column: number,
  columns: number,
  into: Numbers,
): Numbers {
  for (let row = 0, i = column; row < into.length; row++, i += columns) into[row] = matrix[i]!;
  return into;
}
