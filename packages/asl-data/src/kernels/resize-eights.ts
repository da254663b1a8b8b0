import type { Taps } from "../resize-taps.js";

/** What resizeRowsByEights of kernels/resize.ts asks for. */
export interface Eights {
  readonly table: Uint8Array;
  readonly pairs: number;
  /** Bytes that a row may be read beyond its end. */
  readonly reach: number;
}

const LOW_BITS = 12;
const HEAD_BYTES = 48;
const PAIR_BYTES = 64;
const WINDOW = 16;
/** Of a mask: no byte, but 0. */
const NONE = 0x80;

const cache = new WeakMap<Taps, Eights | "none">();

/** Undefined for less than eight bytes, and where a pair of taps of two neighbours does not lie within 16 bytes. */
export function eightsOf(taps: Taps): Eights | undefined {
  let eights = cache.get(taps);
  if (eights === undefined) {
    eights = makeEights(taps) ?? "none";
    cache.set(taps, eights);
  }
  return eights === "none" ? undefined : eights;
}

function makeEights({ first, count, weights, width }: Taps): Eights | undefined {
  const bytes = first.length * 3;
  if (bytes < 8) return undefined;
  for (let i = 1; i < first.length; i++) if ((first[i]! - first[i - 1]! + 2) * 3 > WINDOW) return undefined;
  const pairs = Math.ceil(count.reduce((most, taken) => Math.max(most, taken)) / 2);
  const step = HEAD_BYTES + pairs * PAIR_BYTES;
  const eights = Math.ceil(bytes / 8);
  const table = new Uint8Array(eights * step);
  const words = new Int16Array(table.buffer);
  for (let eight = 0; eight < eights; eight++) {
    const start = Math.min(eight * 8, bytes - 8);
    const head = eight * step;
    for (let i = 0; i < 8; i++) {
      const half = i >> 2;
      const offset = first[Math.floor((start + half * 4) / 3)]! * 3;
      if (i % 4 === 0) new Int32Array(table.buffer, head + half * 4, 1)[0] = offset;
      const pixel = Math.floor((start + i) / 3);
      const byte = first[pixel]! * 3 + ((start + i) % 3) - offset;
      table.set([byte, NONE, byte + 3, NONE], head + 16 + i * 4);
      for (let tap = 0; tap < count[pixel]!; tap++) {
        const weight = weights[pixel * width + tap]!;
        const to = (head + HEAD_BYTES + (tap >> 1) * PAIR_BYTES + half * 32 + (i % 4) * 4) / 2 + (tap & 1);
        words[to] = weight >> LOW_BITS;
        words[to + 8] = weight & ((1 << LOW_BITS) - 1);
      }
    }
  }
  return { table, pairs, reach: pairs * 6 + WINDOW };
}
