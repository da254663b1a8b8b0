/**
 * How many requests may be under way; the others are turned away at once, before their body is read, so that an
 * overloaded server answers in time those that it has accepted.
 */
export class Admission {
  #accepted = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly limit: number) {}

  get accepted(): number {
    return this.#accepted;
  }

  /** Whether there was a place; `leave` gives it back. */
  enter(): boolean {
    if (this.#accepted >= this.limit) return false;
    this.#accepted += 1;
    return true;
  }

  leave(): void {
    this.#accepted -= 1;
    if (this.#accepted === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Once nothing is under way. */
  async whenIdle(): Promise<void> {
    if (this.#accepted > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Lets `limit` pieces of work run at a time, the others wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
