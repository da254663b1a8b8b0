import type { Fixture } from "../fixture.js";
import { runCase } from "../run.js";
import { COMPOSITE_MUTANTS } from "./composite.js";
import { CONTRACTION_MUTANTS } from "./contraction.js";
import { ELEMENTWISE_MUTANTS } from "./elementwise.js";
import { MOVEMENT_MUTANTS } from "./movement.js";
import type { Mutant } from "./mutant.js";

/** Wrong versions of the reference; a suite that lets one pass has a hole. */
export const MUTANTS: readonly Mutant[] = [
  ...CONTRACTION_MUTANTS,
  ...MOVEMENT_MUTANTS,
  ...ELEMENTWISE_MUTANTS,
  ...COMPOSITE_MUTANTS,
];

export interface MutantOutcome {
  readonly name: string;
  readonly mistake: string;
  /** The first case that it fails; undefined for a survivor. */
  readonly killedBy: string | undefined;
}

/** Runs each mutant until a fixture fails. */
export async function runMutants(
  fixtures: readonly Fixture[],
  mutants: readonly Mutant[] = MUTANTS,
  onMutant?: (done: number, total: number) => void,
): Promise<readonly MutantOutcome[]> {
  const outcomes: MutantOutcome[] = [];
  for (const mutant of mutants) {
    outcomes.push(await hunt(mutant, fixtures));
    onMutant?.(outcomes.length, mutants.length);
  }
  return outcomes;
}

async function hunt({ name, mistake, backend }: Mutant, fixtures: readonly Fixture[]): Promise<MutantOutcome> {
  for (const fixture of fixtures) {
    const { first } = await runCase(backend, fixture);
    // a wrong number, not an error: a mutant that throws would prove nothing
    if (first !== undefined) return { name, mistake, killedBy: fixture.name };
  }
  return { name, mistake, killedBy: undefined };
}
