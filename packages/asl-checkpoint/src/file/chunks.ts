/** Calls that read, write or hash take less than 2 GiB, and a Uint8Array of Node 20 holds less than 4 GiB. */
export const CHUNK = 1 << 28;

/** A buffer or a part of one, of any size. */
export type Memory = ArrayBufferLike | ArrayBufferView;

/** Views of memory of any size, one after another, with their offsets within it. */
export function* chunksOf(memory: Memory): Generator<readonly [chunk: Uint8Array, offset: number]> {
  const [buffer, start] = ArrayBuffer.isView(memory) ? [memory.buffer, memory.byteOffset] : [memory, 0];
  for (let offset = 0; offset < memory.byteLength; offset += CHUNK) {
    yield [new Uint8Array(buffer, start + offset, Math.min(CHUNK, memory.byteLength - offset)), offset];
  }
}

/** Fills memory with bytes, of which there are as many. */
export function copyInto(target: Memory, bytes: Uint8Array): void {
  for (const [chunk, offset] of chunksOf(target)) chunk.set(bytes.subarray(offset, offset + chunk.length));
}
