/** A backend that this machine cannot run. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}
