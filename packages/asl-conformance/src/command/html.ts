import { TIERS } from "../fixture.js";
import type { MutantOutcome } from "../mutants/mutants.js";
import type { PartReport } from "../parts/part.js";
import { PROBE_NAMES, PROBES } from "../probes.js";
import { type CaseOutcome, explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import type { Column } from "./matrix.js";
import type { Skipped } from "./skipped.js";
import { STYLE } from "./style.js";
import { ofTier, partRows, totalsOf } from "./summary.js";

export interface HtmlInput {
  readonly columns: readonly Column[];
  readonly skipped: readonly Skipped[];
  readonly mutants: readonly MutantOutcome[] | undefined;
  readonly seconds: number;
  /** Metrics and preprocessing; default: none were run. */
  readonly parts?: readonly PartReport[];
}

/** The whole report as one page without scripts and without anything to fetch. */
export function htmlReport({ columns, skipped, mutants, seconds, parts: ofParts = [] }: HtmlInput): string {
  const reports = columns.flatMap((column) => column.reports);
  const passed = [...reports, ...ofParts].every((report) => report.passed);
  const sections = [
    headline(reports, mutants, passed, seconds),
    section("Backends", backends(reports)),
    skipped.length === 0 ? "" : section("Skipped on this machine", skippedTable(skipped)),
    section("Failures", list([...reports.flatMap(failuresOf), ...ofParts.flatMap(partFailures)])),
    section("Every op", `${LEGEND}${matrix(columns)}`),
    section("Metrics and preprocessing", parts(ofParts)),
    section("Arithmetic", probes(columns)),
    section("Declared deviations", deviations(columns)),
    mutants === undefined ? "" : section("Wrong versions of the reference", mutantTable(mutants)),
  ];
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>Conformance</title>` +
    `<style>${STYLE}</style></head><body><main>${sections.join("\n")}</main></body></html>\n`
  );
}

const LEGEND =
  "<p>Tiers dyadic and exact: bits that differ, in all cases together. Tier bounded: the largest error as a share of " +
  "the bound that the ops' contracts compose to. Tier official: of the error that the fixture allows. The bar shows the " +
  "same share. −1: one case deviates as declared.</p>";

function headline(
  reports: readonly Report[],
  mutants: readonly MutantOutcome[] | undefined,
  passed: boolean,
  seconds: number,
): string {
  const all = reports.flatMap(({ outcomes }) => outcomes);
  const bits = totalsOf(all.filter(({ tier }) => tier === "dyadic" || tier === "exact"));
  const bounded = totalsOf(ofTier(all, "bounded"));
  const killed = mutants?.filter(({ killedBy }) => killedBy !== undefined).length;
  const figures = [
    [`${bits.differingBits}`, `differing bits in ${bits.cases.toLocaleString("en")} exact runs`],
    [share(bounded.worstRatio), `of the bound at worst, in ${bounded.cases.toLocaleString("en")} bounded runs`],
    [`${reports.length}`, "backends and configurations"],
    ...(mutants === undefined ? [] : [[`${killed}/${mutants.length}`, "wrong versions found out"]]),
    [`${seconds.toFixed(0)} s`, "for all"],
  ];
  const tiles = figures.map(([figure, text]) => `<div><b>${figure}</b><span>${text}</span></div>`).join("");
  const verdict = passed ? '<span class="ok">all conform</span>' : '<span class="bad">failed</span>';
  return `<header><h1>Conformance ${verdict}</h1><div class="tiles">${tiles}</div></header>`;
}

const section = (title: string, body: string) => (body === "" ? "" : `<section><h2>${title}</h2>${body}</section>`);

function backends(reports: readonly Report[]): string {
  const rows = reports.map((report) => {
    const [dyadic, exact, bounded, official] = TIERS.map((tier) => totalsOf(ofTier(report.outcomes, tier)));
    const deviating = report.outcomes.filter(({ status }) => status === "deviates").length;
    return [
      cell(report.backend, "name"),
      number(dyadic!.cases),
      bitsCell(dyadic!.differingBits, dyadic!.failed),
      number(exact!.cases),
      bitsCell(exact!.differingBits, exact!.failed),
      number(bounded!.cases),
      shareCell(bounded!.worstRatio, bounded!.failed),
      number(official!.cases),
      shareCell(official!.worstRatio, official!.failed),
      number(deviating),
      cell(report.seconds.toFixed(1), "number"),
    ];
  });
  const head = [
    "backend",
    "dyadic",
    "bits",
    "exact",
    "bits",
    "bounded",
    "of bound",
    "official",
    "of limit",
    "deviations",
    "seconds",
  ];
  return table(head, rows);
}

function matrix(columns: readonly Column[]): string {
  const all = columns.flatMap(({ reports }) => reports.flatMap(({ outcomes }) => outcomes));
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  const rows = subjects.flatMap((subject) =>
    TIERS.flatMap((tier) => {
      const of = (outcomes: readonly CaseOutcome[]) =>
        ofTier(outcomes, tier).filter((each) => each.subject === subject);
      const cases = Math.max(...columns.flatMap(({ reports }) => reports.map(({ outcomes }) => of(outcomes).length)));
      if (cases === 0) return [];
      const cells = columns.map(({ reports }) => resultCell(reports.flatMap(({ outcomes }) => of(outcomes))));
      return [[cell(subject, "name"), cell(tier, `tier ${tier}`), number(cases), ...cells]];
    }),
  );
  return table(["op", "tier", "cases", ...columns.map(({ family }) => family)], rows);
}

function resultCell(outcomes: readonly CaseOutcome[]): string {
  const [first] = outcomes;
  if (first === undefined) return cell("", "none");
  const { differingBits, worstRatio, failed } = totalsOf(outcomes);
  const deviating = new Set(outcomes.filter(({ status }) => status === "deviates").map((each) => each.case)).size;
  const note = deviatingNote(deviating);
  return first.tier === "bounded" || first.tier === "official"
    ? shareCell(worstRatio, failed, note)
    : bitsCell(differingBits, failed, note);
}

const deviatingNote = (cases: number) => (cases === 0 ? "" : `<sup>−${cases}</sup>`);

const share = (ratio: number) => (Number.isFinite(ratio) ? `${(100 * ratio).toFixed(ratio < 0.01 ? 2 : 0)} %` : "∞");

const bitsCell = (bits: number, failed: number, note = "") =>
  `<td class="number ${failed > 0 ? "bad" : "ok"}">${bits}${note}</td>`;

function shareCell(ratio: number, failed: number, note = ""): string {
  const width = Math.min(100, 100 * ratio).toFixed(1);
  const grade = failed > 0 ? "bad" : "share";
  return `<td class="number ${grade}" style="--share:${width}%">${share(ratio)}${note}</td>`;
}

function probes(columns: readonly Column[]): string {
  const rows = PROBE_NAMES.map((name) => {
    const { title, usual } = PROBES[name];
    const answers = columns.map(({ reports }) => {
      const answer = [...new Set(reports.map((report) => report.probes[name]))].join(" / ");
      return cell(answer, answer === usual ? "usual" : "unusual");
    });
    return [cell(title, "name"), ...answers];
  });
  return table(["probe", ...columns.map(({ family }) => family)], rows);
}

function deviations(columns: readonly Column[]): string {
  const rows = columns.flatMap(({ family, reports }) => {
    const declared = reports.flatMap(({ outcomes }) => outcomes.filter(({ status }) => status === "deviates"));
    const reasons = new Map(declared.map((outcome) => [outcome.case, outcome.reason ?? ""]));
    return [...reasons].map(([name, reason]) => [cell(family, "name"), cell(name, "code"), cell(reason, "")]);
  });
  return rows.length === 0 ? "" : table(["backend", "case", "reason"], rows);
}

const skippedTable = (skipped: readonly Skipped[]) =>
  table(
    ["backend", "reason"],
    skipped.map(({ name, reason }) => [cell(name, "name"), cell(reason, "")]),
  );

function parts(reports: readonly PartReport[]): string {
  const rows = reports.flatMap((report) =>
    partRows(report).map(({ subject, tier, totals, deviating }) => [
      cell(subject, "name"),
      cell(report.implementation, ""),
      cell(tier, `tier ${tier}`),
      number(totals.cases),
      tier === "official"
        ? shareCell(totals.worstRatio, totals.failed, deviatingNote(deviating))
        : cell(totals.failed === 0 ? "same bytes" : `${totals.failed} differ`, totals.failed === 0 ? "ok" : "bad"),
    ]),
  );
  return rows.length === 0 ? "" : table(["subject", "of", "tier", "cases", "result"], rows);
}

const partFailures = ({ implementation, ...report }: PartReport) => failuresOf({ ...report, backend: implementation });

const failuresOf = ({
  backend,
  outcomes,
  unknownDeviations,
}: Pick<Report, "backend" | "outcomes" | "unknownDeviations">) => [
  ...outcomes.filter((outcome) => !isAccepted(outcome)).map((outcome) => `${backend}: ${explain(outcome)}`),
  ...unknownDeviations.map((name) => `${backend}: a deviation names ${name}, which does not exist`),
];

const list = (lines: readonly string[]) =>
  lines.length === 0 ? "" : `<ul class="failures">${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`;

function mutantTable(mutants: readonly MutantOutcome[]): string {
  const rows = mutants.map(({ name, mistake, killedBy }) => [
    cell(name, "name"),
    cell(mistake, ""),
    cell(killedBy ?? "survives", killedBy === undefined ? "bad" : "code"),
  ]);
  return table(["mutant", "mistake", "found out by"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.map((title) => `<th>${escaped(title)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.join("")}</tr>`).join("\n");
  return `<div class="scroll"><table><thead><tr>${titles}</tr></thead><tbody>${body}</tbody></table></div>`;
}

const cell = (text: string, kind: string) => `<td class="${kind}">${escaped(text)}</td>`;
const number = (count: number) => cell(`${count}`, "number");

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replace(/[&<>"]/g, (letter) => ENTITIES[letter]!);
