import { endOfBlockRun, ORDER, setEndOfBlockRun } from "./coefficients";
import { LOOKUP_BITS, longEntry } from "./huffman";
import { bitsAt, CODE_BITS, headAt, headOf, isWithin, moveTo, position, reportDamage, WORD_BITS } from "./segment";

/**
 * One more bit, 2^shift, of the AC coefficients from .. to of `count` blocks that follow one another. False if they are
 * damaged.
 */
export function refineBlocks(
  block: usize,
  mask: usize,
  count: i32,
  table: usize,
  from: i32,
  to: i32,
  shift: i32,
): bool {
  const band = (~(<u64>0) >>> (63 - to)) & (~(<u64>0) << from);
  for (const end = mask + ((<usize>count) << 3); mask < end; mask += 8) {
    refineBlock(block, mask, table, band, shift);
    if (!isWithin()) return false;
    block += 128;
  }
  return true;
}

/**
 * G.1.2.3. A code's run counts coefficients of the band (bits) that are still 0; the correction bits of those that are not,
 * and that it passes, follow it. They are gathered, the first one highest, and put in place at the end.
 */
function refineBlock(block: usize, mask: usize, table: usize, band: u64, shift: i32): void {
  const before = load<u64>(mask);
  // those that no code has come to
  let zeros = ~before & band;
  let passing = before & band;
  let corrections: u64 = 0;
  let at = position;
  if (endOfBlockRun === 0) {
    let found = before;
    let word = bitsAt(at);
    let end = at + WORD_BITS;
    while ((zeros | passing) !== 0) {
      if (at + CODE_BITS > end) {
        word = bitsAt(at);
        end = at + WORD_BITS;
      }
      let entry = load<i32>(table + ((<usize>(word >>> (64 - LOOKUP_BITS))) << 2));
      let value = entry >> 16;
      if (value !== 1 && value !== -1) {
        if (entry === 0) entry = longEntry(table, word);
        const size = (entry >> 8) & 15;
        const run = (entry >> 12) & 15;
        const bits = entry & 255;
        if (bits === 0 || size > 1) {
          reportDamage();
          return;
        }
        if (size === 1) {
          // its sign lies beyond the bits of the table
          value = ((<i32>headOf(word << bits, 1)) << 1) - 1;
          entry++;
        } else if (run < 15) {
          setEndOfBlockRun((1 << run) + <i32>headOf(word << bits, run));
          at += bits + run;
          break;
        }
      }
      const bits = entry & 255;
      word <<= bits;
      at += bits;
      zeros = dropLowest(zeros, (entry >> 12) & 15);
      if (zeros === 0) {
        reportDamage();
        return;
      }
      // a run of 16 without a coefficient leaves 0 at its end
      store<i16>(block + load<u8>(ORDER + <usize>ctz(zeros)), value << shift);
      found |= value === 0 ? 0 : zeros & -zeros;
      const passed = passing & (zeros ^ (zeros - 1));
      const count = <i32>popcnt(passed);
      if (at + count > end) {
        corrections = (corrections << count) | headAt(at, count);
        end = at;
      } else {
        corrections = (corrections << count) | headOf(word, count);
        word <<= count;
      }
      at += count;
      passing ^= passed;
      zeros &= zeros - 1;
    }
    store<u64>(mask, found);
  }
  if (endOfBlockRun > 0) {
    setEndOfBlockRun(endOfBlockRun - 1);
    const count = <i32>popcnt(passing);
    corrections = (corrections << count) | headAt(at, count);
    at += count;
  }
  moveTo(at);
  correct(block, before & band, corrections, shift);
}

/** `bits` without its `count` lowest ones. Most counts are small, and a loop over them would be mispredicted. */
function dropLowest(bits: u64, count: i32): u64 {
  const one = bits & (bits - 1);
  const two = one & (one - 1);
  const three = two & (two - 1);
  let rest = count > 0 ? one : bits;
  rest = count > 1 ? two : rest;
  rest = count > 2 ? three : rest;
  for (; count > 3; count--) rest &= rest - 1;
  return rest;
}

/** Adds 2^shift to the size of each known coefficient (bit k) whose bit is set; the last one's is the lowest. */
function correct(block: usize, known: u64, corrections: u64, shift: i32): void {
  for (let bits = corrections << (64 - popcnt(known)); known !== 0; known &= known - 1) {
    const at = block + load<u8>(ORDER + <usize>ctz(known));
    const value = <i32>load<i16>(at);
    const step = ((value >> 31) | 1) << shift;
    store<i16>(at, value + (step & <i32>(<i64>bits >> 63)));
    bits <<= 1;
  }
}
