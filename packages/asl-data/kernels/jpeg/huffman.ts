/*
 * A Huffman table for decoding (ITU-T T.81, annexes C and F.2.2.3), at one address:
 *
 *   i32 entries[1024]   by the next 10 bits: length in bits 0-7, symbol in bits 8-15; where the extra bits that the symbol
 *                       announces lie within the 10 as well, they count in the length and their value, never 0, is in
 *                       bits 16-31. 0 for a code of more than 10 bits.
 *   i32 limits[17]      codes up to length l, left-aligned in 16 bits, are below limits[l]
 *   i32 offsets[17]     index of a symbol minus its code, by length
 *   u8 symbols[256]
 */
export const LOOKUP_BITS: i32 = 10;
export const LIMITS: usize = 4 << LOOKUP_BITS;
const OFFSETS: usize = LIMITS + 17 * 4;
const SYMBOLS: usize = OFFSETS + 17 * 4;

/** A number of `size` bits as the signed value that it stands for (F.2.2.1, EXTEND). */
export function extend(bits: i32, size: i32): i32 {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/**
 * counts: u8[16], codes of length 1 .. 16; the symbols follow. Largest allowed symbol: 15 for DC, 255 for AC.
 * Returns whether the table is sound.
 */
export function buildHuffman(counts: usize, largest: i32, table: usize): bool {
  memory.fill(table, 0, LIMITS);
  const symbols = counts + 16;
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++) {
    store<i32>(table + OFFSETS + (length << 2), index - code);
    for (let count = <i32>load<u8>(counts + length - 1); count > 0; count--) {
      if (index > 255 || code >= 1 << length) return false;
      const symbol = <i32>load<u8>(symbols + index);
      if (symbol > largest) return false;
      store<u8>(table + SYMBOLS + index, symbol);
      if (length <= LOOKUP_BITS) fillEntries(table, code, length, symbol);
      code++;
      index++;
    }
    // no code is all ones (annex C.3)
    if (code >= 1 << length) return false;
    store<i32>(table + LIMITS + (length << 2), code << (16 - length));
    code <<= 1;
  }
  return true;
}

function fillEntries(table: usize, code: i32, length: i32, symbol: i32): void {
  const free = LOOKUP_BITS - length;
  const size = symbol & 15;
  const plain = length | (symbol << 8);
  const at = table + ((<usize>(code << free)) << 2);
  if (size === 0 || size > free) {
    fill(at, 1 << free, plain);
    return;
  }
  const alike = 1 << (free - size);
  for (let bits = 0; bits < 1 << size; bits++) {
    fill(at + ((<usize>(bits * alike)) << 2), alike, (plain + size) | (extend(bits, size) << 16));
  }
}

/** A power of two of entries. */
function fill(at: usize, count: i32, entry: i32): void {
  const end = at + ((<usize>count) << 2);
  if (count < 4) {
    for (; at < end; at += 4) store<i32>(at, entry);
    return;
  }
  for (const entries = i32x4.splat(entry); at < end; at += 16) v128.store(at, entries);
}

/** The entry of the code at the head of `word`; 0 where no code is. */
export function entryOf(table: usize, word: u64): i32 {
  const entry = load<i32>(table + ((<usize>(word >>> (64 - LOOKUP_BITS))) << 2));
  return entry === 0 ? longEntry(table, word) : entry;
}

/** The entry of a code of more than 10 bits at the head of `word`; 0 where no such code exists. */
export function longEntry(table: usize, word: u64): i32 {
  const head = <i32>(word >>> 48);
  for (let length = LOOKUP_BITS + 1; length <= 16; length++) {
    if (head < load<i32>(table + LIMITS + (length << 2))) {
      const index = (head >> (16 - length)) + load<i32>(table + OFFSETS + (length << 2));
      return length | ((<i32>load<u8>(table + SYMBOLS + index)) << 8);
    }
  }
  return 0;
}
