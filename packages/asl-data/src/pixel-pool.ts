/**
 * Buffers of pictures that nobody sees any more, for the next ones: fresh memory costs page faults and garbage collections,
 * more than many an augmentation. Only what the loader made and consumed itself comes here.
 */
const free: Uint8Array<ArrayBuffer>[] = [];
const MOST = 8;

/** `length` bytes whose content is of no account. */
export function takePixels(length: number): Uint8Array<ArrayBuffer> {
  const index = free.findIndex((buffer) => buffer.length === length);
  return index < 0 ? freshPixels(length) : free.splice(index, 1)[0]!;
}

/** In Node without zeros, a third of the time of filling them with a picture. */
function freshPixels(length: number): Uint8Array<ArrayBuffer> {
  const memory = globalThis.Buffer?.allocUnsafeSlow(length);
  return memory === undefined ? new Uint8Array(length) : new Uint8Array(memory.buffer);
}

/** A copy of `bytes`. */
export function copyPixels(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const pixels = takePixels(bytes.length);
  pixels.set(bytes);
  return pixels;
}

/** Nothing may refer to these pixels any more. What is a part of a larger buffer, or shared, is let go. */
export function recyclePixels(data: Uint8Array): void {
  const { buffer } = data;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== data.length || data.length === 0) return;
  if (free.length === MOST) free.shift();
  free.push(new Uint8Array(buffer));
}

/** Recycles a step's input unless it is the step's result, or the chain's. */
export function recycleBetween(used: Uint8Array, first: Uint8Array, result: Uint8Array): void {
  if (used !== first && used !== result) recyclePixels(used);
}
