import { TIERS, type Tier } from "../fixture.js";
import type { MutantOutcome } from "../mutants/mutants.js";
import type { PartReport } from "../parts/part.js";
import type { Report } from "../report.js";
import { bitsCell, cell, deviatingNote, number, numeric, rowTitle, shareCell, table } from "./markup.js";
import { backendRows, type Column, opRows, partRows, probeRows } from "./rows.js";
import type { Skipped } from "./skipped.js";
import type { Totals } from "./totals.js";

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
  const rows = backendRows(reports).map(({ backend, tiers, deviating, failed, seconds }) => [
    rowTitle(backend),
    failed === 0 ? cell("0", "ok number") : cell(`${failed}`, "bad number"),
    number(deviating),
    ...tiers.flatMap(({ tier, totals }) => [number(totals.cases), resultCell(tier, totals)]),
    cell(seconds.toFixed(1), "number"),
  ]);
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
  const all = opRows(columns);
  const rows = all.map(({ subject, tier, cases, totals }, i) => [
    rowTitle(subject, subject === all[i - 1]?.subject ? "again" : ""),
    cell(tier, "tier"),
    number(cases),
    ...totals.map((each) => resultCell(tier, each)),
  ]);
  return table([["op", "tier", ...numeric(["cases", ...columns.map(({ family }) => family)])]], rows);
}

/** Where no case is left that does not deviate, there is nothing to show but how many do. */
function resultCell(tier: Tier, { cases, differingBits, worstRatio, failed, deviating }: Totals): string {
  const note = deviatingNote(deviating);
  if (cases === 0) return `<td class="${deviating === 0 ? "none" : "number"}">${note}</td>`;
  return tier === "bounded" || tier === "official"
    ? shareCell(worstRatio, failed, note)
    : bitsCell(differingBits, failed, note);
}

/** One row for each subject of each part. */
export function parts(reports: readonly PartReport[]): string {
  const rows = partRows(reports).map(({ subject, implementation, tier, totals }) => [
    rowTitle(subject),
    cell(implementation),
    cell(tier, "tier"),
    number(totals.cases + totals.deviating),
    tier === "official" || totals.cases === 0 ? resultCell(tier, totals) : bytesCell(totals),
  ]);
  return rows.length === 0 ? "" : table([["subject", "of", "tier", ...numeric(["cases", "result"])]], rows);
}

/** A hash says that bytes differ, not how many. */
function bytesCell({ failed, deviating }: Totals): string {
  const text = failed === 0 ? "same bytes" : `${failed} differ`;
  return `<td class="number ${failed === 0 ? "ok" : "bad"}">${text}${deviatingNote(deviating)}</td>`;
}

/** One row per probe; what IEEE 754 does not say stands out. */
export function probes(columns: readonly Column[]): string {
  const rows = probeRows(columns).map(({ title, usual, answers }) => [
    rowTitle(title),
    ...answers.map((answer) => cell(answer, answer === usual ? "usual" : "unusual")),
  ]);
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
