import { extend, LOOKUP_BITS, longEntry } from "./huffman";

/*
 * Entropy-coded segments and their blocks (ITU-T T.81, F.2 and G.1.2, G.2).
 *
 * A segment is first copied without its stuffed bytes, backwards: byte i lies at top - 1 - i. So the 64 bits from any
 * position on are one load and one shift, without a state of bits at hand.
 *
 * Coefficients are int16[64] in natural order, not dequantised. A block's mask has bit k set where coefficient k >= 1 (in
 * zigzag order) is not 0.
 *
 * Nothing here reads more than a block (below 512 bytes) beyond a segment: the caller checks `position` after each.
 */

let top: usize = 0;
/** In bits from the segment's start. */
export let position: usize = 0;
/** Bits of the segment. */
export let length: usize = 0;
/** Blocks left in a run of blocks without further coefficients. */
export let endOfBlockRun: i32 = 0;
export let damaged: bool = false;

/** Natural position of zigzag index k, times 2 (bytes); 16 more for runs that lead beyond the end. */
const ORDER = memory.data<u8>([
  0, 2, 16, 32, 18, 4, 6, 20, 34, 48, 64, 50, 36, 22, 8, 10, 24, 38, 52, 66, 80, 96, 82, 68, 54, 40, 26, 12, 14, 28, 42,
  56, 70, 84, 98, 112, 114, 100, 86, 72, 58, 44, 30, 46, 60, 74, 88, 102, 116, 118, 104, 90, 76, 62, 78, 92, 106, 120,
  122, 108, 94, 110, 124, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126,
]);

/** Copies the segment at `from` to below `copyTop`. Returns the address of the marker that ends it, or `limit`. */
export function openSegment(from: usize, limit: usize, copyTop: usize): usize {
  let to = copyTop;
  let end = limit;
  while (from < limit) {
    const bytes = v128.load(from);
    const marks = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(-1)));
    v128.store(to - 16, v128.swizzle(bytes, i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
    if (marks === 0) {
      to -= 16;
      from += 16;
      continue;
    }
    const plain = ctz(marks);
    to -= plain;
    from += plain;
    if (load<u8>(from, 1) !== 0) {
      end = from;
      break;
    }
    to -= 1;
    store<u8>(to, 0xff);
    from += 2;
  }
  top = copyTop;
  position = 0;
  length = (copyTop - to) << 3;
  endOfBlockRun = 0;
  damaged = false;
  return end;
}

/** Whether the segment was read to its end, but for less than a byte. */
export function isSegmentRead(): bool {
  return !damaged && position <= length && length - position < 8;
}

/** The bits from `at` on, at least 57. */
function bitsAt(at: usize): u64 {
  return load<u64>(top - 8 - (at >>> 3)) << (at & 7);
}

function entryOf(table: usize, word: u64): i32 {
  const entry = load<i32>(table + ((<usize>(word >>> (64 - LOOKUP_BITS))) << 2));
  return entry === 0 ? longEntry(table, word) : entry;
}

/** The difference of a DC coefficient from its predecessor. */
export function dcDifference(table: usize): i32 {
  const word = bitsAt(position);
  const entry = entryOf(table, word);
  const codeLength = entry & 255;
  if (codeLength === 0) damaged = true;
  position += codeLength;
  if (entry >> 16 !== 0) return entry >> 16;
  const size = (entry >> 8) & 15;
  if (size === 0) return 0;
  position += size;
  return extend(<i32>((word << codeLength) >>> (64 - size)), size);
}

/** One bit. */
export function nextBit(): i32 {
  const bit = (<i32>load<u8>(top - 1 - (position >>> 3)) >>> (7 - <i32>(position & 7))) & 1;
  position++;
  return bit;
}

/** Passes up to `most` blocks of the run; returns how many. */
export function skipBlocks(most: i32): i32 {
  const skipped = min(endOfBlockRun, most);
  endOfBlockRun -= skipped;
  return skipped;
}

/** AC coefficients from .. to of a block, for the first time, times 2^shift. */
export function acCoefficients(block: usize, mask: usize, table: usize, from: i32, to: i32, shift: i32): void {
  if (endOfBlockRun > 0) {
    endOfBlockRun--;
    return;
  }
  let at = position;
  let found = load<u64>(mask);
  let k = from;
  while (k <= to) {
    const word = bitsAt(at);
    const entry = entryOf(table, word);
    let value = entry >> 16;
    const bits = entry & 255;
    const run = (entry >> 12) & 15;
    at += bits;
    if (value === 0) {
      const size = (entry >> 8) & 15;
      if (bits === 0) {
        damaged = true;
        break;
      }
      if (size === 0) {
        if (run === 15) {
          k += 16;
          continue;
        }
        endOfBlockRun = (1 << run) - 1;
        if (run > 0) endOfBlockRun += <i32>((word << bits) >>> (64 - run));
        at += run;
        break;
      }
      value = extend(<i32>((word << bits) >>> (64 - size)), size);
      at += size;
    }
    k += run;
    store<i16>(block + load<u8>(ORDER + k), value << shift);
    found |= (<u64>1) << k;
    k++;
  }
  if (k > to + 1) damaged = true;
  position = at;
  store<u64>(mask, found);
}

/** One more bit, 2^shift, of the AC coefficients from .. to. */
export function refineAcCoefficients(block: usize, mask: usize, table: usize, from: i32, to: i32, shift: i32): void {
  const known = load<u64>(mask);
  let k = from;
  if (endOfBlockRun === 0) {
    let at = position;
    let found = known;
    while (k <= to) {
      const word = bitsAt(at);
      const entry = entryOf(table, word);
      const size = (entry >> 8) & 15;
      let run = (entry >> 12) & 15;
      let value = entry >> 16;
      let bits = entry & 255;
      if (bits === 0 || size > 1) {
        damaged = true;
        return;
      }
      if (size === 0 && run < 15) {
        endOfBlockRun = 1 << run;
        if (run > 0) endOfBlockRun += <i32>((word << bits) >>> (64 - run));
        at += bits + run;
        break;
      }
      if (size === 1 && value === 0) {
        // its sign lies beyond the bits of the table
        value = ((<i32>((word << bits) >>> 63)) << 1) - 1;
        bits++;
      }
      // over `run` zeros to the next one; what is known between them gets its bit
      let rest = known >>> k;
      let left = 57 - bits;
      let next = word << bits;
      at += bits;
      for (let zeros = <i32>ctz(rest); zeros <= run; zeros = <i32>ctz(rest)) {
        if (left === 0) {
          next = bitsAt(at);
          left = 57;
        }
        k += zeros;
        run -= zeros;
        refine(block + load<u8>(ORDER + k), <i32>(next >>> 63), shift);
        next <<= 1;
        left--;
        at++;
        k++;
        rest >>>= zeros + 1;
      }
      k += run;
      if (k > to) {
        damaged = true;
        return;
      }
      if (value !== 0) {
        store<i16>(block + load<u8>(ORDER + k), value << shift);
        found |= (<u64>1) << k;
      }
      k++;
    }
    position = at;
    store<u64>(mask, found);
  }
  if (endOfBlockRun > 0) {
    endOfBlockRun--;
    // bits k .. to of the mask
    if (k <= to) refineAll(block, known & (~(<u64>0) << k) & (~(<u64>0) >>> (63 - to)), shift);
  }
}

/** known: bit k for coefficient k. */
function refineAll(block: usize, known: u64, shift: i32): void {
  let at = position;
  let word = bitsAt(at);
  let left = 57;
  while (known !== 0) {
    if (left === 0) {
      word = bitsAt(at);
      left = 57;
    }
    refine(block + load<u8>(ORDER + <usize>ctz(known)), <i32>(word >>> 63), shift);
    word <<= 1;
    left--;
    at++;
    known &= known - 1;
  }
  position = at;
}

/** Away from 0 by 2^shift if the bit is set. */
function refine(coefficient: usize, bit: i32, shift: i32): void {
  const value = <i32>load<i16>(coefficient);
  const step = ((value >> 31) | 1) << shift;
  store<i16>(coefficient, value + (step & -bit));
}
