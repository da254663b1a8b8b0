import type { MutantOutcome } from "../mutants/mutants.js";

/** What a run found. */
export interface Found {
  /** Of backends and of parts. */
  readonly reports: readonly { readonly passed: boolean }[];
  /** Undefined where none were hunted. */
  readonly mutants: readonly MutantOutcome[] | undefined;
}

export const survivorsOf = (mutants: readonly MutantOutcome[]) =>
  mutants.filter(({ killedBy }) => killedBy === undefined);

/** Whether something was run, all of it conforms, and no wrong version of it would have. */
export const allConform = ({ reports, mutants = [] }: Found): boolean =>
  reports.length > 0 && reports.every(({ passed }) => passed) && survivorsOf(mutants).length === 0;
