import { TIERS, type Tier } from "../fixture.js";
import type { PartReport } from "../parts/part.js";
import { PROBE_NAMES, PROBES } from "../probes.js";
import type { CaseOutcome, Report } from "../report.js";
import { ofTier, type Totals, totalsOf } from "./totals.js";

// What the tables show, as text and as HTML.

/** A report and the column that it belongs to. */
export interface Column {
  readonly family: string;
  readonly reports: readonly Report[];
}

/** Reports by family, in order. */
export function columnsOf(reports: readonly { readonly family: string; readonly report: Report }[]): readonly Column[] {
  const families = [...new Set(reports.map(({ family }) => family))];
  return families.map((family) => ({
    family,
    reports: reports.filter((each) => each.family === family).map(({ report }) => report),
  }));
}

/** One row per backend: each tier's figures, in the order of TIERS. */
export const backendRows = (reports: readonly Report[]) =>
  reports.map(({ backend, outcomes, unknownDeviations, seconds }) => {
    const { failed, deviating } = totalsOf(outcomes);
    return {
      backend,
      tiers: TIERS.map((tier) => ({ tier, totals: totalsOf(ofTier(outcomes, tier)) })),
      deviating,
      failed: failed + unknownDeviations.length,
      seconds,
    };
  });

/** One row per op and tier; the totals of each column. */
export function opRows(columns: readonly Column[]) {
  const all = columns.flatMap(({ reports }) => reports.flatMap(({ outcomes }) => outcomes));
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  return subjects.flatMap((subject) =>
    TIERS.flatMap((tier) => {
      const of = (outcomes: readonly CaseOutcome[]) =>
        ofTier(outcomes, tier).filter((each) => each.subject === subject);
      const cases = Math.max(...columns.flatMap(({ reports }) => reports.map(({ outcomes }) => of(outcomes).length)));
      if (cases === 0) return [];
      const totals = columns.map(({ reports }) => totalsOf(reports.flatMap(({ outcomes }) => of(outcomes))));
      return [{ subject, tier, cases, totals }];
    }),
  );
}

/** A subject of a part. */
export interface PartRow {
  readonly part: string;
  readonly implementation: string;
  readonly subject: string;
  readonly tier: Tier;
  readonly totals: Totals;
}

/** One row for each subject of each part. */
export const partRows = (reports: readonly PartReport[]): readonly PartRow[] =>
  reports.flatMap(({ part, implementation, outcomes }) =>
    [...new Set(outcomes.map(({ subject }) => subject))].map((subject) => {
      const own = outcomes.filter((each) => each.subject === subject);
      return { part, implementation, subject, tier: own[0]!.tier, totals: totalsOf(own) };
    }),
  );

/** One row per probe: the answers of each column. */
export const probeRows = (columns: readonly Column[]) =>
  PROBE_NAMES.map((name) => ({
    ...PROBES[name],
    answers: columns.map(({ reports }) => [...new Set(reports.map(({ probes }) => probes[name]))].join(" / ")),
  }));
