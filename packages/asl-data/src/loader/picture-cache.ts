import { totalmem } from "node:os";
import { InputError } from "asl-core";
import type { Picture } from "../picture.js";

/** The memory of a cache; all of it is shared, so every thread can read what any thread stored. */
export interface PictureCacheMemory {
  readonly size: number;
  readonly picturesPerSlab: number;
  readonly slabs: readonly SharedArrayBuffer[];
  /** One byte per picture: 1 once it is stored. */
  readonly stored: SharedArrayBuffer;
}

const SLAB_BYTES = 2 ** 28;

/**
 * Memory for `count` square RGB pictures of side `size`. The system hands out pages when they are first written.
 * Throws InputError when that is more than the machine has.
 */
export function allocatePictureCache(count: number, size: number): PictureCacheMemory {
  const pictureBytes = size * size * 3;
  const bytes = count * pictureBytes;
  const constrained = process.constrainedMemory?.() ?? 0;
  const available = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  if (bytes > 0.8 * available) {
    throw new InputError(
      `cache "memory": ${count} pictures of ${size} x ${size} need ${gibibytes(bytes)} GiB, ` +
        `but this machine has ${gibibytes(available)} GiB. Use cache "none".`,
    );
  }
  const picturesPerSlab = Math.max(1, Math.floor(SLAB_BYTES / pictureBytes));
  const slabs: SharedArrayBuffer[] = [];
  for (let first = 0; first < count; first += picturesPerSlab) {
    slabs.push(new SharedArrayBuffer(Math.min(picturesPerSlab, count - first) * pictureBytes));
  }
  return { size, picturesPerSlab, slabs, stored: new SharedArrayBuffer(count) };
}

/** Decoded and resized pictures by dataset index. Two threads may store the same picture: they write the same bytes. */
export class PictureCache {
  readonly #memory: PictureCacheMemory;
  readonly #stored: Uint8Array;

  constructor(memory: PictureCacheMemory) {
    this.#memory = memory;
    this.#stored = new Uint8Array(memory.stored);
  }

  get(index: number): Picture | undefined {
    if (Atomics.load(this.#stored, index) === 0) return undefined;
    const { size } = this.#memory;
    return { width: size, height: size, data: this.#bytes(index) };
  }

  set(index: number, picture: Picture): void {
    this.#bytes(index).set(picture.data);
    Atomics.store(this.#stored, index, 1);
  }

  #bytes(index: number): Uint8Array {
    const { size, picturesPerSlab, slabs } = this.#memory;
    const pictureBytes = size * size * 3;
    const slab = slabs[Math.floor(index / picturesPerSlab)]!;
    return new Uint8Array(slab, (index % picturesPerSlab) * pictureBytes, pictureBytes);
  }
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
