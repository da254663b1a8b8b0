/** Calls that read, write or hash take less than 2 GiB, and a Uint8Array of Node 20 holds less than 4 GiB. */
export const CHUNK = 1 << 28;

/** Views of a buffer of any size, one after another, with their offsets within the range. */
export function* chunksOf(
  buffer: ArrayBufferLike,
  start = 0,
  length = buffer.byteLength - start,
): Generator<readonly [chunk: Uint8Array, offset: number]> {
  for (let offset = 0; offset < length; offset += CHUNK) {
    yield [new Uint8Array(buffer, start + offset, Math.min(CHUNK, length - offset)), offset];
  }
}
