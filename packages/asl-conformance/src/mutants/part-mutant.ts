import type { PartCase } from "../parts/part.js";
import type { MutantOutcome } from "./mutants.js";

/** A wrong version of a part, computed without error: a mutant that throws would prove nothing. */
export interface PartMutant<I> {
  readonly name: string;
  /** What is wrong, in one line. */
  readonly mistake: string;
  readonly implementation: Partial<I>;
}

/** Runs each mutant until a case has another result. */
export async function runPartMutants<I>(
  cases: readonly PartCase<I>[],
  mutants: readonly PartMutant<I>[],
): Promise<readonly MutantOutcome[]> {
  const outcomes: MutantOutcome[] = [];
  for (const { name, mistake, implementation } of mutants) {
    let killedBy: string | undefined;
    for (const each of cases) {
      if (typeof implementation[each.calls] !== "function") continue;
      const { first, error } = await each.measure(implementation as I);
      if (first === undefined && error === undefined) continue;
      killedBy = each.name;
      break;
    }
    outcomes.push({ name, mistake, killedBy });
  }
  return outcomes;
}
