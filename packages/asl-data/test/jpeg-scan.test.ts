import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openWorkspace } from "../src/kernels/instance.js";

/*
 * Progressive AC scans of any bits, any table and any known coefficients: the kernels against T.81's procedures, bit by bit.
 */

interface Scan {
  /** BITS and HUFFVAL of annex C. */
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
  readonly first: number;
  readonly last: number;
  readonly low: number;
  readonly isRefinement: boolean;
  /** Blocks of 64 coefficients in zigzag order, before the scan. */
  readonly blocks: readonly Int16Array[];
  readonly bits: Uint8Array;
}

class Damaged extends Error {}

/** F.2.2, G.1.2.2 and G.1.2.3. Returns the blocks and how many bits they took; throws Damaged. */
function decodeBitByBit(scan: Scan): { blocks: Int16Array[]; read: number } {
  const { counts, symbols, first, last, low, isRefinement } = scan;
  let read = 0;
  const bit = () => {
    if (read === scan.bits.length) throw new Damaged();
    return scan.bits[read++]!;
  };
  const receive = (count: number) => Array.from({ length: count }).reduce<number>((value) => 2 * value + bit(), 0);
  const decode = () => {
    let [code, firstCode, index] = [0, 0, 0];
    for (const count of counts) {
      code += bit();
      if (code - firstCode < count) return symbols[index + code - firstCode]!;
      index += count;
      firstCode = 2 * (firstCode + count);
      code *= 2;
    }
    throw new Damaged();
  };
  const correct = (block: Int16Array, k: number) => {
    if (bit() === 1) block[k]! += Math.sign(block[k]!) * 2 ** low;
  };
  let run = 0;
  const blocks = scan.blocks.map((before) => {
    const block = before.slice();
    let k = first;
    while (run === 0 && k <= last) {
      const symbol = decode();
      let [zeros, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && zeros < 15) {
        run = 2 ** zeros + receive(zeros);
        break;
      }
      if (isRefinement && size > 1) throw new Damaged();
      const extra = receive(size);
      const value = size === 0 ? 0 : extra < 2 ** (size - 1) ? extra - 2 ** size + 1 : extra;
      for (; k <= last; k++) {
        if (isRefinement && before[k] !== 0) correct(block, k);
        else if (zeros-- === 0) break;
      }
      if (size > 0) {
        if (k > last) throw new Damaged();
        block[k] = value * 2 ** low;
      } else if (k > last) throw new Damaged();
      k++;
    }
    if (run > 0) {
      run--;
      for (; isRefinement && k <= last; k++) if (before[k] !== 0) correct(block, k);
    }
    return block;
  });
  return { blocks, read };
}

/** What kernels/jpeg/scan.ts makes of it; undefined for a damaged one. */
function decodeInKernels(scan: Scan, natural: readonly number[], bits: Uint8Array): Int16Array[] | undefined {
  const segment = stuffed(bits);
  const count = scan.blocks.length;
  const { kernels, bytes, addresses } = openWorkspace([
    ...[segment.length + 64, 1024 + segment.length + 64, 4 * (11 + 8), 4096 + 136 + 256],
    ...[16 + 256, count * 128, count * 8],
  ])!;
  const [source, copy, description, table, huffman, coefficients, masks] = addresses as number[];
  bytes.set(segment, source);
  bytes.set([...scan.counts, ...scan.symbols], huffman);
  expect(kernels.buildHuffman(huffman!, 255, table!)).toBe(1);
  scan.blocks.forEach((block, i) => {
    const stored = new Int16Array(bytes.buffer, coefficients! + i * 128, 64).fill(0);
    for (let k = 0; k < 64; k++) stored[natural[k]!] = block[k]!;
    new BigUint64Array(bytes.buffer, masks! + i * 8, 1)[0] = maskOf(block);
  });
  const end = source! + segment.length;
  const high = scan.isRefinement ? scan.low + 1 : 0;
  const header = [
    1,
    scan.first,
    scan.last,
    high,
    scan.low,
    0,
    source!,
    end,
    copy! + 1024 + segment.length + 64,
    count,
    1,
  ];
  const component = [coefficients!, masks!, count, 1, 1, 0, table!, 0];
  new Int32Array(bytes.buffer, description, 19).set([...header, ...component]);
  if (kernels.decodeScan(description!) !== end - 2) return undefined;
  return scan.blocks.map((_, i) => {
    const stored = new Int16Array(bytes.buffer, coefficients! + i * 128, 64);
    const block = Int16Array.from(natural, (at) => stored[at]!);
    expect(new BigUint64Array(bytes.buffer, masks! + i * 8, 1)[0]).toBe(maskOf(block));
    return block;
  });
}

const maskOf = (block: Int16Array) =>
  block.reduce((mask, value, k) => (k > 0 && value !== 0 ? mask | (1n << BigInt(k)) : mask), 0n);

/** Bytes, the last one filled up with ones, a 0 behind each 0xff, a marker behind them (F.1.2.3). */
function stuffed(bits: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    let byte = 0;
    for (let i = at; i < at + 8; i++) byte = 2 * byte + (bits[i] ?? 1);
    bytes.push(byte, ...(byte === 255 ? [0] : []));
  }
  return Uint8Array.from([...bytes, 0xff, 0xd9]);
}

/** Zigzag index to 8 row + column (figure A.6). */
function zigzag(): number[] {
  const order: number[] = [];
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    const rows = Array.from({ length: 8 }, (_, row) => row).filter((row) => diagonal - row >= 0 && diagonal - row < 8);
    if (diagonal % 2 === 0) rows.reverse();
    order.push(...rows.map((row) => 8 * row + diagonal - row));
  }
  return order;
}

/** Any table without a code of ones only; few codes are long where `wide` is small. */
const tables = (sizes: readonly number[]) =>
  fc
    .record({
      runs: fc.uniqueArray(fc.nat(15), { minLength: 3, maxLength: 16 }),
      shares: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 }),
      order: fc.infiniteStream(fc.nat(2 ** 20)),
    })
    .map(({ runs, shares, order }) => {
      const symbols = [0, ...runs.flatMap((run) => sizes.map((size) => 16 * run + size))];
      const unique = [...new Set(symbols)];
      const keys = new Map(unique.map((symbol) => [symbol, order.next().value as number]));
      unique.sort((a, b) => keys.get(a)! - keys.get(b)!);
      let [code, left] = [0, unique.length];
      const counts = shares.map((share, i) => {
        code *= 2;
        const free = 2 ** (i + 1) - 1 - code;
        const count = Math.min(left, Math.floor(free * share));
        code += count;
        left -= count;
        return count;
      });
      return { counts, symbols: unique.slice(0, unique.length - left) };
    })
    .filter(({ symbols }) => symbols.length > 1);

const index = fc.integer({ min: 1, max: 63 });
const bands = fc
  .oneof(fc.constant([1, 63] as const), fc.tuple(index, index))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

/** Nearly all known: more correction bits than a word holds. */
const shares = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.97, 1));

/** Blocks of which any share is known, none where a scan is the first. */
const blocksOf = (isRefinement: boolean, low: number) =>
  fc.array(fc.tuple(shares, fc.nat()), { minLength: 1, maxLength: 5 }).map((each) =>
    each.map(([share, seed]) =>
      Int16Array.from({ length: 64 }, (_, k) => {
        const noise = Math.imul(seed + k * 7919, 0x9e3779b1) >>> 0;
        if (!isRefinement || k === 0 || noise / 2 ** 32 > share) return 0;
        return (noise & 1 ? 1 : -1) * (1 + ((noise >> 1) & 7)) * 2 ** (low + 1);
      }),
    ),
  );

describe("AC scans of any bits give T.81's coefficients, or are damaged for both", () => {
  it.each([
    { name: "first", isRefinement: false, sizes: [0, 1, 2, 3, 6, 10] },
    { name: "refinement", isRefinement: true, sizes: [0, 1] },
    { name: "refinement with symbols that it must not have", isRefinement: true, sizes: [0, 1, 2] },
  ])("$name", ({ isRefinement, sizes }) => {
    const natural = zigzag();
    const scans = fc.nat(2).chain((low) =>
      fc.record({
        table: tables(sizes),
        band: bands,
        low: fc.constant(low),
        blocks: blocksOf(isRefinement, low),
        bits: fc.uint8Array({ min: 0, max: 1, minLength: 700, maxLength: 700 }),
      }),
    );
    let sound = 0;
    fc.assert(
      fc.property(scans, ({ table, band, ...rest }) => {
        const scan: Scan = { ...table, ...band, ...rest, isRefinement };
        const expected = soundOrNot(scan);
        if (expected !== undefined) sound++;
        const bits = expected === undefined ? scan.bits : scan.bits.subarray(0, expected.read);
        expect(decodeInKernels(scan, natural, bits)).toEqual(expected?.blocks);
      }),
      { numRuns: 600 },
    );
    expect(sound).toBeGreaterThan(60);
  });
});

function soundOrNot(scan: Scan): ReturnType<typeof decodeBitByBit> | undefined {
  try {
    return decodeBitByBit(scan);
  } catch (thrown) {
    if (thrown instanceof Damaged) return undefined;
    throw thrown;
  }
}
