import type { PartReport } from "../parts/part.js";
import { cell, escaped, grouped, rowTitle, table } from "./markup.js";
import { deviationsOf, type Failure, failuresOf, familiesOf } from "./remarks.js";
import type { Column } from "./rows.js";

/** So many are in sight before the rest is opened. */
const IN_SIGHT = 5;

/** Everything that fails, by family; empty when nothing does. */
export function failures(columns: readonly Column[], parts: readonly PartReport[]): string {
  return familiesOf(columns, parts)
    .map((family) => {
      const all = failuresOf(family);
      if (all.length === 0) return "";
      const runs = family.runs.length;
      const [first, rest] = [all.slice(0, IN_SIGHT), all.slice(IN_SIGHT)];
      const more =
        rest.length === 0
          ? ""
          : `<details><summary>${grouped(rest.length)} more</summary>${list(rest, runs)}</details>`;
      return `<h3>${escaped(family.title)} <small>${grouped(all.length)}</small></h3>${list(first, runs)}${more}`;
    })
    .join("");
}

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
  const rows = familiesOf(columns, parts).flatMap((family) => {
    const all = deviationsOf(family);
    return [...new Set(all.map(({ reason }) => reason))].map((reason, i) => {
      const cases = all.filter((each) => each.reason === reason).map((each) => escaped(each.case));
      return [
        rowTitle(family.title, i === 0 ? "" : "again"),
        cell(reason, "reason"),
        `<td class="code">${cases.join("<br>")}</td>`,
      ];
    });
  });
  return rows.length === 0 ? "" : table([["backend", "reason", "cases"]], rows);
}
