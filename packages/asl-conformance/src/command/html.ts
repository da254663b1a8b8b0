import type { MutantOutcome } from "../mutants/mutants.js";
import type { PartReport } from "../parts/part.js";
import type { Report } from "../report.js";
import { deviations, failures } from "./html-failures.js";
import { backends, LEGEND, matrix, mutantTable, parts, probes, skippedTable } from "./html-tables.js";
import { grouped, share } from "./markup.js";
import type { Column } from "./rows.js";
import type { Skipped } from "./skipped.js";
import { STYLE } from "./style.js";
import { ofTier, totalsOf } from "./totals.js";
import { allConform, survivorsOf } from "./verdict.js";

export interface HtmlInput {
  readonly columns: readonly Column[];
  readonly skipped: readonly Skipped[];
  readonly mutants: readonly MutantOutcome[] | undefined;
  readonly seconds: number;
  /** Metrics and preprocessing; default: none were run. */
  readonly parts?: readonly PartReport[];
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** The whole report as one page without scripts and without anything to fetch. What fails comes first. */
export function htmlReport({ columns, skipped, mutants, seconds, parts: ofParts = [] }: HtmlInput): string {
  const reports = columns.flatMap((column) => column.reports);
  const passed = allConform({ reports: [...reports, ...ofParts], mutants });
  const sections = [
    { id: "failures", title: "Failures", body: failures(columns, ofParts) },
    { id: "backends", title: "Backends", body: reports.length === 0 ? "" : backends(reports) },
    { id: "ops", title: "Every op", body: reports.length === 0 ? "" : `${LEGEND}${matrix(columns)}` },
    { id: "host", title: "Metrics and preprocessing", body: parts(ofParts) },
    { id: "deviations", title: "Declared deviations", body: deviations(columns, ofParts) },
    { id: "arithmetic", title: "Arithmetic", body: reports.length === 0 ? "" : probes(columns) },
    { id: "mutants", title: "Wrong versions", body: mutants === undefined ? "" : mutantTable(mutants) },
    { id: "skipped", title: "Skipped on this machine", body: skipped.length === 0 ? "" : skippedTable(skipped) },
  ].filter(({ body }) => body !== "");
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>Conformance</title>` +
    `<style>${STYLE}</style></head><body><main>${headline({ reports, ofParts, mutants, passed, seconds })}` +
    `${navigation(sections)}${sections.map(section).join("\n")}</main></body></html>\n`
  );
}

interface Headline {
  readonly reports: readonly Report[];
  readonly ofParts: readonly PartReport[];
  readonly mutants: readonly MutantOutcome[] | undefined;
  readonly passed: boolean;
  readonly seconds: number;
}

function headline({ reports, ofParts, mutants, passed, seconds }: Headline): string {
  const all = reports.flatMap(({ outcomes }) => outcomes);
  const failed = totalsOf([...all, ...ofParts.flatMap(({ outcomes }) => outcomes)]).failed;
  const bits = totalsOf(all.filter(({ tier }) => tier === "dyadic" || tier === "exact"));
  const bounded = totalsOf(ofTier(all, "bounded"));
  const figures = [
    ...(failed === 0 ? [] : [{ figure: grouped(failed), text: "runs of cases failed", kind: "bad" }]),
    ...(bits.cases === 0
      ? []
      : [
          {
            figure: grouped(bits.differingBits),
            text: `differing bits in ${grouped(bits.cases)} exact runs`,
            kind: bits.differingBits === 0 ? "ok" : "bad",
          },
        ]),
    ...(bounded.cases === 0
      ? []
      : [
          {
            figure: share(bounded.worstRatio),
            text: `of the bound at worst, in ${grouped(bounded.cases)} bounded runs`,
            kind: bounded.failed === 0 ? "" : "bad",
          },
        ]),
    { figure: `${reports.length}`, text: "backends and configurations", kind: "" },
    ...(mutants === undefined
      ? []
      : [
          {
            figure: `${mutants.length - survivorsOf(mutants).length}/${mutants.length}`,
            text: "wrong versions found out",
            kind: survivorsOf(mutants).length === 0 ? "" : "bad",
          },
        ]),
    { figure: `${seconds.toFixed(0)} s`, text: "for all", kind: "" },
  ];
  const tiles = figures
    .map(({ figure, text, kind }) => `<div class="${kind}"><b>${figure}</b><span>${text}</span></div>`)
    .join("");
  const verdict = passed ? '<span class="ok">all conform</span>' : '<span class="bad">failed</span>';
  return `<header><h1>Conformance ${verdict}</h1><div class="tiles">${tiles}</div></header>`;
}

const navigation = (sections: readonly Section[]) =>
  `<nav>${sections.map(({ id, title }) => `<a href="#${id}">${title}</a>`).join("")}</nav>`;

const section = ({ id, title, body }: Section) => `<section id="${id}"><h2>${title}</h2>${body}</section>`;
