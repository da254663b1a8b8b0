import { entryOf, extend } from "./huffman";
import { bitsAt, CODE_BITS, headOf, isInside, moveTo, position, reportDamage, WORD_BITS } from "./segment";

/*
 * Coefficients of blocks for the first time (ITU-T T.81, F.2.2 and G.1.2.1, G.1.2.2): int16[64] in natural order, not
 * dequantised. A block's mask has bit k set where coefficient k >= 1 (in zigzag order) is not 0.
 */

/** Natural position of zigzag index k, times 2 (bytes); 16 more for runs that lead beyond the end. */
export const ORDER = memory.data<u8>([
  0, 2, 16, 32, 18, 4, 6, 20, 34, 48, 64, 50, 36, 22, 8, 10, 24, 38, 52, 66, 80, 96, 82, 68, 54, 40, 26, 12, 14, 28, 42,
  56, 70, 84, 98, 112, 114, 100, 86, 72, 58, 44, 30, 46, 60, 74, 88, 102, 116, 118, 104, 90, 76, 62, 78, 92, 106, 120,
  122, 108, 94, 110, 124, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126, 126,
]);

/** Blocks, from the next one on, of a run without further coefficients (EOBRUN). */
export let endOfBlockRun: i32 = 0;

export function setEndOfBlockRun(blocks: i32): void {
  endOfBlockRun = blocks;
}

/** The difference of a DC coefficient from its predecessor. */
export function dcDifference(table: usize): i32 {
  const word = bitsAt(position);
  const entry = entryOf(table, word);
  const codeLength = entry & 255;
  if (codeLength === 0) reportDamage();
  moveTo(position + codeLength);
  if (entry >> 16 !== 0) return entry >> 16;
  const size = (entry >> 8) & 15;
  if (size === 0) return 0;
  moveTo(position + size);
  return extend(<i32>headOf(word << codeLength, size), size);
}

/**
 * AC coefficients from .. to, times 2^shift, of `count` blocks that follow one another; those that a run passes have none.
 * False if they are damaged.
 */
export function acBlocks(block: usize, mask: usize, count: i32, table: usize, from: i32, to: i32, shift: i32): bool {
  let at = position;
  let word = bitsAt(at);
  let end = at + WORD_BITS;
  for (const lastMask = mask + ((<usize>count) << 3); mask < lastMask; mask += 8, block += 128) {
    if (endOfBlockRun > 0) {
      const skipped = min(endOfBlockRun, <i32>(lastMask - mask) >>> 3);
      endOfBlockRun -= skipped;
      block += (skipped - 1) << 7;
      mask += (skipped - 1) << 3;
      continue;
    }
    let found = load<u64>(mask);
    let k = from;
    while (k <= to) {
      if (at + CODE_BITS > end) {
        word = bitsAt(at);
        end = at + WORD_BITS;
      }
      const entry = entryOf(table, word);
      const bits = entry & 255;
      const run = (entry >> 12) & 15;
      let value = entry >> 16;
      word <<= bits;
      at += bits;
      if (value === 0) {
        const size = (entry >> 8) & 15;
        if (bits === 0) return false;
        if (size === 0) {
          if (run === 15) {
            k += 16;
            continue;
          }
          endOfBlockRun = (1 << run) - 1 + <i32>headOf(word, run);
          word <<= run;
          at += run;
          break;
        }
        value = extend(<i32>headOf(word, size), size);
        word <<= size;
        at += size;
      }
      k += run;
      store<i16>(block + load<u8>(ORDER + k), value << shift);
      found |= (<u64>1) << k;
      k++;
    }
    if (k > to + 1 || !isInside(at)) return false;
    store<u64>(mask, found);
  }
  moveTo(at);
  return true;
}
