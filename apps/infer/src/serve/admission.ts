/** Why a request gets no place. */
export type Refusal = "full" | "stopping";

/**
 * How many requests may be under way; the others are turned away at once, before their body is read, so that an
 * overloaded server answers in time those that it has accepted.
 */
export class Admission {
  #accepted = 0;
  #stopping = false;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly limit: number) {}

  get accepted(): number {
    return this.#accepted;
  }

  /** Why a request that came now would be turned away; undefined when it would not. */
  get refusal(): Refusal | undefined {
    if (this.#stopping) return "stopping";
    return this.#accepted >= this.limit ? "full" : undefined;
  }

  /** Takes a place, which `leave` gives back, or says why there is none. */
  enter(): Refusal | undefined {
    const { refusal } = this;
    if (refusal === undefined) this.#accepted += 1;
    return refusal;
  }

  leave(): void {
    this.#accepted -= 1;
    if (this.#accepted === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** From now on nobody enters. */
  stop(): void {
    this.#stopping = true;
  }

  /** Once nothing is under way. */
  async whenIdle(): Promise<void> {
    if (this.#accepted > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
