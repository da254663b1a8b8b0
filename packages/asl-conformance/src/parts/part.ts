import type { CaseKind, Tier } from "../fixture.js";
import { judged, type Measured, messageOf, NOTHING } from "../outcome.js";
import type { CaseOutcome, Deviation } from "../report.js";
import { conforms } from "../run.js";
import type { PartName } from "./part-name.js";

/** A case of a part; `I` are the functions that an implementation may have. */
export interface PartCase<I> {
  /** Unique; "metrics/ties/average-precision". */
  readonly name: string;
  readonly subject: string;
  readonly kind: CaseKind;
  readonly tier: Tier;
  /** The function that the case calls; without it the case is not run. */
  readonly calls: keyof I;
  /** `error` says what is wrong where results cannot be compared number by number. Throws what the function throws. */
  measure(implementation: I): Promise<Omit<Measured, "tier">>;
}

export interface PartReport {
  readonly part: PartName;
  /** Whose it is. */
  readonly implementation: string;
  readonly outcomes: readonly CaseOutcome[];
  /** Functions that the implementation lacks, so that their cases were not run. */
  readonly missing: readonly string[];
  /** Whether it must lack none. */
  readonly isWhole: boolean;
  readonly seconds: number;
  /** As of a backend's report; and nothing is missing that must be there. */
  readonly passed: boolean;
  /** Deviations that name no case of the run. */
  readonly unknownDeviations: readonly string[];
}

export interface PartRun<I> {
  readonly part: PartName;
  /** Whose it is. */
  readonly name: string;
  /** All of the functions, or some. */
  readonly implementation: Partial<I>;
  readonly cases: readonly PartCase<I>[];
  /** Fails where the implementation lacks a function; default: the cases of that function are not run. */
  readonly isWhole?: boolean;
  readonly deviations?: readonly Deviation[];
  readonly onCase?: (outcome: CaseOutcome, done: number, total: number) => void;
}

/** Runs the cases whose functions the implementation has. Never throws for what the implementation does wrong. */
export async function runPart<I>(run: PartRun<I>): Promise<PartReport> {
  const { part, name, implementation, cases, isWhole = false, deviations = [], onCase } = run;
  const started = performance.now();
  const reasons = new Map(deviations.map((deviation) => [deviation.case, deviation.reason]));
  const able = cases.filter(({ calls }) => typeof implementation[calls] === "function");
  const outcomes: CaseOutcome[] = [];
  for (const each of able) {
    // every function that an able case calls is there
    const outcome = await runPartCase(implementation as I, each, reasons.get(each.name));
    outcomes.push(outcome);
    onCase?.(outcome, outcomes.length, able.length);
  }
  const names = new Set(able.map((each) => each.name));
  const unknownDeviations = [...reasons.keys()].filter((each) => !names.has(each));
  const missing = new Set(cases.filter((each) => !able.includes(each)).map(({ calls }) => String(calls)));
  return {
    part,
    implementation: name,
    outcomes,
    missing: [...missing],
    isWhole,
    seconds: (performance.now() - started) / 1000,
    passed: conforms(outcomes, unknownDeviations) && !(isWhole && missing.size > 0),
    unknownDeviations,
  };
}

/** One case; `reason` when it is declared as a deviation. */
export async function runPartCase<I>(implementation: I, each: PartCase<I>, reason?: string): Promise<CaseOutcome> {
  const { name, subject, kind, tier } = each;
  const failed = (thrown: unknown): Omit<Measured, "tier"> => ({ ...NOTHING, error: messageOf(thrown) });
  const measured = await each.measure(implementation).catch(failed);
  const agrees = measured.error === undefined && measured.first === undefined;
  return { case: name, subject, kind, tier, ...judged(agrees, reason), ...measured };
}
