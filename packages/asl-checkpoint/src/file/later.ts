import type { Shape, Tensors } from "asl-core";

/** Which f32 tensors of a file may get their numbers later than the others, by their shapes. */
export type IsLater = (shape: Shape) => boolean;

export const NONE_LATER: IsLater = () => false;

/** A file whose numbers are still coming. */
export interface Begun<Content> {
  /**
   * Complete but for the numbers of some tensors, which share one buffer; nothing may be written into any before `rest` is
   * over.
   */
  readonly content: Content;
  /** Over when all numbers are there and the file was checked as a whole. It must be waited for, also after an error. */
  readonly rest: Promise<void>;
}

export type BegunTensors = Begun<Tensors>;

/** `begin` with nothing left for later. */
export async function whole<Content>(begun: Promise<Begun<Content>>): Promise<Content> {
  const { content, rest } = await begun;
  await rest;
  return content;
}

/**
 * Arrays of these sizes in one buffer. What V8 counts for each new buffer makes it look for garbage again and again while
 * a large file is read; this it counts once.
 */
export function allocateTogether(sizes: readonly number[]): Float32Array<ArrayBuffer>[] {
  const { BYTES_PER_ELEMENT } = Float32Array;
  const buffer = new ArrayBuffer(sizes.reduce((sum, size) => sum + size, 0) * BYTES_PER_ELEMENT);
  let at = 0;
  return sizes.map((size) => {
    const array = new Float32Array(buffer, at, size);
    at += array.byteLength;
    return array;
  });
}

/** A promise that may fail before anybody waits for it. */
export function awaitedLater(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
