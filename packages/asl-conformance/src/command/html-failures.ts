import type { PartReport } from "../parts/part.js";
import { type CaseOutcome, explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import { cell, escaped, grouped, rowTitle, table } from "./markup.js";
import type { Column } from "./matrix.js";

/** What is said of a backend, or of an implementation of a part. */
interface Run extends Pick<Report, "outcomes" | "unknownDeviations"> {
  readonly name: string;
}

interface Family {
  readonly family: string;
  readonly runs: readonly Run[];
}

const familiesOf = (columns: readonly Column[], parts: readonly PartReport[]): readonly Family[] => [
  ...columns.map(({ family, reports }) => ({
    family,
    runs: reports.map((report) => ({ ...report, name: report.backend })),
  })),
  ...parts.map((report) => ({
    family: `${report.part} of ${report.implementation}`,
    runs: [{ ...report, name: report.implementation }],
  })),
];

/** A failure and how many configurations of the family have it alike. */
interface Failure {
  readonly title: string;
  readonly detail: string;
  readonly names: readonly string[];
}

/** So many are in sight before the rest is opened. */
const IN_SIGHT = 5;

/** Everything that fails, by family; empty when nothing does. */
export function failures(columns: readonly Column[], parts: readonly PartReport[]): string {
  return familiesOf(columns, parts)
    .map(({ family, runs }) => {
      const all = failuresOf(runs);
      if (all.length === 0) return "";
      const [first, rest] = [all.slice(0, IN_SIGHT), all.slice(IN_SIGHT)];
      const more =
        rest.length === 0
          ? ""
          : `<details><summary>${grouped(rest.length)} more</summary>${list(rest, runs.length)}</details>`;
      return `<h3>${escaped(family)} <small>${grouped(all.length)}</small></h3>${list(first, runs.length)}${more}`;
    })
    .join("");
}

function failuresOf(runs: readonly Run[]): readonly Failure[] {
  const failures = new Map<string, { title: string; detail: string; names: string[] }>();
  for (const { name, outcomes, unknownDeviations } of runs) {
    const add = (title: string, detail: string) => {
      const key = `${title}\n${detail}`;
      const known = failures.get(key);
      if (known === undefined) failures.set(key, { title, detail, names: [name] });
      else known.names.push(name);
    };
    for (const outcome of outcomes) if (!isAccepted(outcome)) add(outcome.case, detailOf(outcome));
    for (const unknown of unknownDeviations) add(unknown, "a deviation names this case, which does not exist");
  }
  return [...failures.values()];
}

/** `explain` without the case's name, which stands before it. */
const detailOf = (outcome: CaseOutcome) => explain(outcome).slice(outcome.case.length + 2);

const list = (failures: readonly Failure[], runs: number) =>
  `<ul class="failures">${failures.map((failure) => item(failure, runs)).join("")}</ul>`;

function item({ title, detail, names }: Failure, runs: number): string {
  const where = runs === 1 ? "" : names.length === runs ? "all configurations" : names.join(", ");
  return (
    `<li><code>${escaped(title)}</code>${where === "" ? "" : ` <small>${escaped(where)}</small>`}` +
    `<span>${escaped(detail)}</span></li>`
  );
}

/** Each reason once for a family, with its cases. */
export function deviations(columns: readonly Column[], parts: readonly PartReport[]): string {
  const rows = familiesOf(columns, parts).flatMap(({ family, runs }) => {
    const byReason = new Map<string, Set<string>>();
    for (const { status, reason = "", case: name } of runs.flatMap(({ outcomes }) => outcomes)) {
      if (status !== "deviates") continue;
      byReason.set(reason, (byReason.get(reason) ?? new Set()).add(name));
    }
    return [...byReason].map(([reason, cases], i) => [
      rowTitle(family, i === 0 ? "" : "again"),
      cell(reason, "reason"),
      `<td class="code">${[...cases].map(escaped).join("<br>")}</td>`,
    ]);
  });
  return rows.length === 0 ? "" : table([["backend", "reason", "cases"]], rows);
}
