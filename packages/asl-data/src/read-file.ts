import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";

/** A read that takes longer has waited for a disk or a network. A picture in the page cache takes 0.02 ms. */
const SLOW_MS = 2;
/** How many files are read asynchronously after a slow one, before the next is tried at once. */
const ASYNCHRONOUS = 64;

interface Clock {
  now(): number;
}

/**
 * Reads files at once as long as they come from the page cache: handing one to Node's threads and back costs the processor
 * twenty times the reading, as much as an eighth of decoding. Once a file was slow, the next ones are read by those threads,
 * so that the event loop goes on and several wait together. In a worker thread nothing else waits: always at once.
 */
export class FileReader {
  readonly #clock: Clock;
  readonly #mayWait: boolean;
  /** Files still to be read asynchronously. */
  #left = 0;

  constructor(mayWait: boolean, clock: Clock = performance) {
    this.#mayWait = mayWait;
    this.#clock = clock;
  }

  /** The file's bytes: at once, or a promise. Throws, or rejects with, the error of the file system. */
  read(file: string): Uint8Array | Promise<Uint8Array> {
    if (this.#left > 0) {
      this.#left--;
      return readFile(file);
    }
    const begin = this.#clock.now();
    try {
      return readFileSync(file);
    } finally {
      if (!this.#mayWait && this.#clock.now() - begin > SLOW_MS) this.#left = ASYNCHRONOUS;
    }
  }
}

/** This thread's. */
export const pictureFiles = new FileReader(!isMainThread);
