/*
 * The bits of an entropy-coded segment (ITU-T T.81, B.1.1.5 and F.1.2.3).
 *
 * A segment is first copied without its stuffed bytes, backwards: byte i lies at top - 1 - i. So the 64 bits from any
 * position on are one load and one shift, without a state of bits at hand.
 *
 * Nothing reads more than a block (below 512 bytes) beyond a segment: the caller asks isWithin after each.
 */

/** What bitsAt has of the segment at least. */
export const WORD_BITS: usize = 57;
/** The longest code with its extra bits. */
export const CODE_BITS: usize = 16 + 15;

let top: usize = 0;
/** In bits from the segment's start. */
export let position: usize = 0;
/** Bits of the segment. */
let length: usize = 0;
let isDamaged: bool = false;

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
  isDamaged = false;
  return end;
}

/** The bits before this one have been read. */
export function moveTo(bit: usize): void {
  position = bit;
}

export function reportDamage(): void {
  isDamaged = true;
}

/** Whether the bits before this one are of the segment. */
export function isInside(bit: usize): bool {
  return bit <= length;
}

/** Whether all that was read is sound and of the segment. */
export function isWithin(): bool {
  return !isDamaged && position <= length;
}

/** Whether the segment was read to its end, but for less than a byte. */
export function isSegmentRead(): bool {
  return isWithin() && length - position < 8;
}

/** The bits from `at` on, WORD_BITS of them. */
export function bitsAt(at: usize): u64 {
  return load<u64>(top - 8 - (at >>> 3)) << (at & 7);
}

/** One bit. */
export function nextBit(): i32 {
  const bit = (<i32>load<u8>(top - 1 - (position >>> 3)) >>> (7 - <i32>(position & 7))) & 1;
  position++;
  return bit;
}

/** The first `count` bits of a word, 0 .. 63. */
export function headOf(word: u64, count: i32): u64 {
  return (word >>> 1) >>> (63 - count);
}

/** The `count` bits from `at` on, 0 .. 63. */
export function headAt(at: usize, count: i32): u64 {
  if (count <= <i32>WORD_BITS) return headOf(bitsAt(at), count);
  const rest = count - 32;
  return (headOf(bitsAt(at), 32) << rest) | headOf(bitsAt(at + 32), rest);
}
