import { TIERS, type Tier } from "../fixture.js";
import type { MutantOutcome } from "../mutants/mutants.js";
import type { PartReport } from "../parts/part.js";
import { PROBE_NAMES, PROBES } from "../probes.js";
import type { CaseOutcome, Report } from "../report.js";
import { bitsCell, cell, deviatingNote, number, numeric, rowTitle, shareCell, table } from "./markup.js";
import type { Column } from "./matrix.js";
import type { Skipped } from "./skipped.js";
import { ofTier, partRows, totalsOf } from "./summary.js";

export const LEGEND =
  "<p>Tiers dyadic and exact: bits that differ, in all cases together. Tier bounded: the largest error as a share of " +
  "the bound that the ops' contracts compose to. Tier official: of the error that the fixture allows. The bar shows the " +
  "same share. −1: one case deviates as declared.</p>";

/** What each tier is measured by. */
const MEASURES: Readonly<Record<Tier, string>> = {
  dyadic: "bits",
  exact: "bits",
  bounded: "of bound",
  official: "of limit",
};

/** One row per backend: each tier's cases and worst figures. */
export function backends(reports: readonly Report[]): string {
  const rows = reports.map((report) => {
    const deviating = report.outcomes.filter(({ status }) => status === "deviates").length;
    const failed = totalsOf(report.outcomes).failed + report.unknownDeviations.length;
    return [
      rowTitle(report.backend),
      failed === 0 ? cell("0", "ok number") : cell(`${failed}`, "bad number"),
      number(deviating),
      ...TIERS.flatMap((tier) => {
        const outcomes = ofTier(report.outcomes, tier);
        return [number(totalsOf(outcomes).cases), resultCell(tier, outcomes)];
      }),
      cell(report.seconds.toFixed(1), "number"),
    ];
  });
  const tiers = TIERS.map((title) => ({ title, span: 2, kind: "group" }));
  const below = TIERS.flatMap((tier) => ["cases", MEASURES[tier]]);
  return table(
    [
      [{ title: "" }, { title: "", span: 2 }, ...tiers, { title: "" }],
      ["backend", ...numeric(["failed", "deviating", ...below, "seconds"])],
    ],
    rows,
  );
}

/** One row per op and tier, one column per backend. */
export function matrix(columns: readonly Column[]): string {
  const all = columns.flatMap(({ reports }) => reports.flatMap(({ outcomes }) => outcomes));
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  const rows = subjects.flatMap((subject) => {
    const own = TIERS.flatMap((tier) => {
      const of = (outcomes: readonly CaseOutcome[]) =>
        ofTier(outcomes, tier).filter((each) => each.subject === subject);
      const cases = Math.max(...columns.flatMap(({ reports }) => reports.map(({ outcomes }) => of(outcomes).length)));
      if (cases === 0) return [];
      const cells = columns.map(({ reports }) => {
        const outcomes = reports.flatMap((report) => of(report.outcomes));
        return outcomes.length === 0 ? cell("", "none") : resultCell(tier, outcomes);
      });
      return [[cell(tier, "tier"), number(cases), ...cells]];
    });
    return own.map((row, i) => [rowTitle(subject, i === 0 ? "" : "again"), ...row]);
  });
  return table([["op", "tier", ...numeric(["cases", ...columns.map(({ family }) => family)])]], rows);
}

function resultCell(tier: Tier, outcomes: readonly CaseOutcome[]): string {
  const { differingBits, worstRatio, failed } = totalsOf(outcomes);
  const deviating = new Set(outcomes.filter(({ status }) => status === "deviates").map((each) => each.case)).size;
  return tier === "bounded" || tier === "official"
    ? shareCell(worstRatio, failed, deviatingNote(deviating))
    : bitsCell(differingBits, failed, deviatingNote(deviating));
}

/** One row for each subject of each part. */
export function parts(reports: readonly PartReport[]): string {
  const rows = reports.flatMap((report) =>
    partRows(report).map(({ subject, tier, totals, deviating }) => [
      rowTitle(subject),
      cell(report.implementation),
      cell(tier, "tier"),
      number(totals.cases),
      tier === "official"
        ? shareCell(totals.worstRatio, totals.failed, deviatingNote(deviating))
        : `<td class="number ${totals.failed === 0 ? "ok" : "bad"}">${
            totals.failed === 0 ? "same bytes" : `${totals.failed} differ`
          }${deviatingNote(deviating)}</td>`,
    ]),
  );
  return rows.length === 0 ? "" : table([["subject", "of", "tier", ...numeric(["cases", "result"])]], rows);
}

/** One row per probe; what IEEE 754 does not say stands out. */
export function probes(columns: readonly Column[]): string {
  const rows = PROBE_NAMES.map((name) => {
    const { title, usual } = PROBES[name];
    const answers = columns.map(({ reports }) => {
      const answer = [...new Set(reports.map((report) => report.probes[name]))].join(" / ");
      return cell(answer, answer === usual ? "usual" : "unusual");
    });
    return [rowTitle(title), ...answers];
  });
  return table([["probe", ...columns.map(({ family }) => family)]], rows);
}

export const skippedTable = (skipped: readonly Skipped[]) =>
  table(
    [["backend", "reason"]],
    skipped.map(({ name, reason }) => [rowTitle(name), cell(reason)]),
  );

/** Survivors first. */
export function mutantTable(mutants: readonly MutantOutcome[]): string {
  const sorted = [...mutants].sort((a, b) => Number(a.killedBy !== undefined) - Number(b.killedBy !== undefined));
  const rows = sorted.map(({ name, mistake, killedBy }) => [
    rowTitle(name),
    cell(mistake),
    cell(killedBy ?? "survives", killedBy === undefined ? "bad" : "code"),
  ]);
  return table([["mutant", "mistake", "found out by"]], rows);
}
