/** Bytes of a block, and how many are kept. */
const BLOCK = 2 ** 16;
const KEPT = 8;

/** Longest piece that comes out of blocks; longer ones lie alone more often than not. */
export const PIECE = 2 ** 14;

/**
 * Small pieces of a file out of blocks that are read once: a network's checkpoint has hundreds of short vectors beside
 * each other, and a zip archive as many headers. The latest blocks are kept.
 */
export class Blocks {
  readonly #size: number;
  readonly #readInto: (target: Uint8Array, position: number) => Promise<void>;
  readonly #blocks = new Map<number, Promise<Uint8Array>>();

  /** `size`: bytes of the file. `readInto` fills a part of a block from a position on. */
  constructor(size: number, readInto: (target: Uint8Array, position: number) => Promise<void>) {
    this.#size = size;
    this.#readInto = readInto;
  }

  /** Fills `target`, which lies within the file, from `position` on. */
  async fill(target: Uint8Array, position: number): Promise<void> {
    const end = position + target.length;
    // both blocks of a piece that reaches over a border are asked for before either is waited for
    const blocks: (readonly [start: number, bytes: Promise<Uint8Array>])[] = [];
    for (let start = position - (position % BLOCK); start < end; start += BLOCK) {
      blocks.push([start, this.#block(start)]);
    }
    for (const [start, bytes] of blocks) {
      const from = Math.max(position, start);
      target.set((await bytes).subarray(from - start, end - start), from - position);
    }
  }

  #block(start: number): Promise<Uint8Array> {
    const known = this.#blocks.get(start);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(Math.min(BLOCK, this.#size - start));
    const block = this.#readInto(bytes, start).then(() => bytes);
    // told by who waits for it; the next one tries again
    block.catch(() => {
      if (this.#blocks.get(start) === block) this.#blocks.delete(start);
    });
    this.#blocks.set(start, block);
    if (this.#blocks.size > KEPT) this.#blocks.delete(this.#blocks.keys().next().value!);
    return block;
  }
}
