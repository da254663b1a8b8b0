import type { Tier } from "../fixture.js";
import type { MutantOutcome } from "../mutants/mutants.js";
import type { PartReport } from "../parts/part.js";
import { explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import type { Skipped } from "./skipped.js";
import { ofTier, totalsOf } from "./totals.js";
import { survivorsOf } from "./verdict.js";

/** A number for JSON, which has no infinity. */
const finite = (x: number) => (Number.isFinite(x) ? x : null);

export interface MutantsJson {
  readonly total: number;
  readonly killed: number;
  readonly survivors: readonly string[];
}

export function mutantsJson(outcomes: readonly MutantOutcome[]): MutantsJson {
  const survivors = survivorsOf(outcomes).map(({ name }) => name);
  return { total: outcomes.length, killed: outcomes.length - survivors.length, survivors };
}

export interface SummaryInput {
  readonly reports: readonly Report[];
  readonly skipped: readonly Skipped[];
  readonly seconds: number;
  readonly mutants: MutantsJson | undefined;
  /** Metrics and preprocessing; default: none were run. */
  readonly parts?: readonly PartReport[];
}

/** What `--json` writes. */
export function summaryOf({ reports, skipped, seconds, mutants, parts = [] }: SummaryInput) {
  return {
    backends: reports.map((report) => {
      const bits = (tier: Tier) => {
        const { cases, differingBits, failed } = totalsOf(ofTier(report.outcomes, tier));
        return { cases, differingBits, failed };
      };
      const share = (tier: Tier) => {
        const { cases, worstRatio, failed } = totalsOf(ofTier(report.outcomes, tier));
        return { cases, worstRatio: finite(worstRatio), failed };
      };
      return {
        name: report.backend,
        passed: report.passed,
        dyadic: bits("dyadic"),
        exact: bits("exact"),
        bounded: share("bounded"),
        official: share("official"),
        ...remarksJson(report),
        probes: report.probes,
        seconds: report.seconds,
      };
    }),
    parts: parts.map(partJson),
    skipped,
    ...(mutants === undefined ? {} : { mutants }),
    seconds,
  };
}

const remarksJson = ({ outcomes, unknownDeviations }: Pick<Report, "outcomes" | "unknownDeviations">) => ({
  deviations: outcomes
    .filter(({ status }) => status === "deviates")
    .map(({ case: name, reason, differingBits }) => ({ case: name, reason, differingBits })),
  failures: outcomes.filter((outcome) => !isAccepted(outcome)).map(explain),
  unknownDeviations,
});

function partJson(report: PartReport) {
  const { part, implementation, outcomes, passed, missing, seconds } = report;
  const [exact, official] = [totalsOf(ofTier(outcomes, "exact")), totalsOf(ofTier(outcomes, "official"))];
  return {
    part,
    name: implementation,
    passed,
    // a hash says that bytes differ, not how many bits
    exact: { cases: exact.cases, failed: exact.failed },
    official: { cases: official.cases, worstRatio: finite(official.worstRatio), failed: official.failed },
    ...remarksJson(report),
    /** Functions that it does not have. */
    missing,
    seconds,
  };
}

export type Summary = ReturnType<typeof summaryOf>;
