import type { Tier } from "../fixture.js";
import type { CaseOutcome } from "../report.js";
import { isAccepted } from "../run.js";

/** Numbers of a set of cases; declared deviations are counted apart. */
export interface Totals {
  /** Without those that deviate: what the other numbers are of. */
  readonly cases: number;
  readonly differingBits: number;
  readonly worstUlp: number;
  readonly worstRatio: number;
  readonly failed: number;
  /** A case counts once, in however many configurations it deviates. */
  readonly deviating: number;
}

export function totalsOf(outcomes: readonly CaseOutcome[]): Totals {
  const counted = outcomes.filter(({ status }) => status !== "deviates");
  const worst = (of: (outcome: CaseOutcome) => number) => counted.reduce((most, each) => Math.max(most, of(each)), 0);
  return {
    cases: counted.length,
    differingBits: counted.reduce((bits, each) => bits + each.differingBits, 0),
    worstUlp: worst((each) => each.worstUlp),
    worstRatio: worst((each) => each.worstRatio),
    failed: counted.filter((each) => !isAccepted(each)).length,
    deviating: new Set(outcomes.filter(({ status }) => status === "deviates").map((each) => each.case)).size,
  };
}

export const ofTier = (outcomes: readonly CaseOutcome[], tier: Tier) =>
  outcomes.filter((outcome) => outcome.tier === tier);
