import type { Shape, Tensors } from "asl-core";

/** Which f32 tensors of a file may get their numbers later than the others, by their shapes. */
export type IsLater = (shape: Shape) => boolean;

export const NONE_LATER: IsLater = () => false;

/** A file whose numbers are still coming. */
export interface Begun<Content> {
  /** Complete but for the numbers of some tensors; nothing may be written into any before `rest` is over. */
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

/** A promise that may fail before anybody waits for it. */
export function awaitedLater(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
