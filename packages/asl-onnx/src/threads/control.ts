import type { Call, WasmFunction } from "./calls.js";

/** Words of the memory over which threads speak to each other. */
const WORD = { turn: 0, job: 1, next: 2, busy: 3, failure: 4 } as const;
const WORDS = Object.keys(WORD).length;
const MOST_MESSAGE_BYTES = 1024;

/** In place of the length of a message. */
const BEING_WRITTEN = -1;

/** In place of the number of a job: the thread ends. */
export const END = -1;

/** What threads that share work say to each other; the same memory on each of them. */
export class Control {
  readonly #words: Int32Array;
  readonly #message: Uint8Array;

  constructor(readonly memory = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT + MOST_MESSAGE_BYTES)) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#message = new Uint8Array(memory, this.#words.byteLength);
  }

  /** Begins a job, or the end. Wakes the others, unless there are none for it. */
  announce(job: number, others: number): void {
    Atomics.store(this.#words, WORD.job, job);
    Atomics.store(this.#words, WORD.next, 0);
    Atomics.store(this.#words, WORD.busy, others);
    if (others === 0) return;
    Atomics.add(this.#words, WORD.turn, 1);
    Atomics.notify(this.#words, WORD.turn);
  }

  /** Sleeps until the turn after `last`; what is to be done then. */
  nextTurn(last: number): { readonly turn: number; readonly job: number } {
    for (;;) {
      Atomics.wait(this.#words, WORD.turn, last);
      const turn = Atomics.load(this.#words, WORD.turn);
      if (turn !== last) return { turn, job: Atomics.load(this.#words, WORD.job) };
    }
  }

  /** Makes calls that no other thread has taken until none is left, or one fails on any thread. */
  takeCalls(functions: readonly WasmFunction[], calls: readonly Call[]): void {
    try {
      while (!this.#hasFailed()) {
        const call = calls[Atomics.add(this.#words, WORD.next, 1)];
        if (call === undefined) return;
        const [number, ...rest] = call;
        functions[number]!(...rest);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  done(): void {
    if (Atomics.sub(this.#words, WORD.busy, 1) === 1) Atomics.notify(this.#words, WORD.busy);
  }

  /** Whether all others are done, after waiting so long for the next of them at most. */
  waitForOthers(patienceMs: number): boolean {
    for (;;) {
      const busy = Atomics.load(this.#words, WORD.busy);
      if (busy === 0) return true;
      if (Atomics.wait(this.#words, WORD.busy, busy, patienceMs) === "timed-out") return false;
    }
  }

  /** The message of the call that failed. */
  failure(): string | undefined {
    if (!this.#hasFailed()) return undefined;
    // a decoder takes no shared memory
    return new TextDecoder().decode(this.#message.slice(0, Atomics.load(this.#words, WORD.failure)));
  }

  #hasFailed(): boolean {
    return Atomics.load(this.#words, WORD.failure) !== 0;
  }

  /** The first of several messages stays. */
  #fail(message: string): void {
    if (Atomics.compareExchange(this.#words, WORD.failure, 0, BEING_WRITTEN) !== 0) return;
    const bytes = new TextEncoder().encode(message || "unknown error").subarray(0, MOST_MESSAGE_BYTES);
    this.#message.set(bytes);
    Atomics.store(this.#words, WORD.failure, bytes.length);
  }
}
