/** What was not run: a backend that this machine has not, or to which the chosen cases mean nothing. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}
