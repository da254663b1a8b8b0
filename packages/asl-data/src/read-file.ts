import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";

/** A read that takes longer has waited for a disk or a network. A picture in the page cache takes 0.02 ms. */
const SLOW_MS = 2;
/** How many files are read asynchronously after a slow one (or one in which the thread was suspended) before the next try. */
const ASYNCHRONOUS = 16;

interface Clock {
  now(): number;
}

/**
 * Reads files at once as long as they come from the page cache: handing one to Node's threads and back costs the processor
 * twenty times the reading, a fifth of decoding. Once a file was slow, the next ones are read by those threads, so that the
 * event loop goes on and several wait together. Either way it has a turn for each file. In a worker thread nothing else
 * waits: always at once, without a turn.
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

  /** Rejects with the error of the file system. */
  async read(file: string): Promise<Uint8Array> {
    if (this.#mayWait) return readFileSync(file);
    if (this.#left > 0) {
      this.#left--;
      return readFile(file);
    }
    const begin = this.#clock.now();
    try {
      return readFileSync(file);
    } finally {
      if (this.#clock.now() - begin > SLOW_MS) this.#left = ASYNCHRONOUS;
      // timers, signals and sockets are not to wait for a loop over pictures
      await setImmediate();
    }
  }
}

/** This thread's. */
export const pictureFiles = new FileReader(!isMainThread);
