import CliTable from "cli-table3";
import type { Tier } from "../fixture.js";
import type { PartReport } from "../parts/part.js";
import type { Report } from "../report.js";
import { backendRows, type Column, opRows, partRows, probeRows } from "./rows.js";
import type { Totals } from "./totals.js";

const ratio = (x: number) => (x === 0 ? "0" : Number.isFinite(x) ? x.toPrecision(3) : "inf");

/** Beside a sum that cancels, an error in units of the last place says little. */
const ulps = (x: number) => (x < 1000 ? `${x.toFixed(1)}ulp` : ">1000ulp");

const bits = ({ differingBits }: Totals) => `${differingBits} bits`;

const FIGURE: Readonly<Record<Tier, (totals: Totals) => string>> = {
  dyadic: bits,
  exact: bits,
  bounded: ({ worstRatio, worstUlp }) => `${ratio(worstRatio)} ${ulps(worstUlp)}`,
  official: ({ worstRatio }) => ratio(worstRatio),
};

/** A figure and what stands beside it; where no case is left that does not deviate, there is none. */
function resultOf(totals: Totals, figure: (totals: Totals) => string): string {
  const { cases, deviating, failed } = totals;
  const notes = [deviating > 0 ? `-${deviating}` : "", failed > 0 ? `FAILED ${failed}` : ""];
  return [cases === 0 ? "" : figure(totals), ...notes].filter((each) => each !== "").join(" ");
}

/** One row per backend: each tier's cases and worst figures. */
export function backendTable(reports: readonly Report[]): string {
  const rows = backendRows(reports).map(({ backend, tiers, deviating, failed, seconds }) => [
    backend,
    ...tiers.flatMap(({ tier, totals }) => [`${totals.cases}`, totals.cases === 0 ? "" : WORST[tier](totals)]),
    `${deviating}`,
    `${failed}`,
    seconds.toFixed(1),
  ]);
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
    "failed",
    "seconds",
  ];
  return formatTable(head, rows);
}

/** Under a title that says what it is. */
const WORST: Readonly<Record<Tier, (totals: Totals) => string>> = {
  dyadic: ({ differingBits }) => `${differingBits}`,
  exact: ({ differingBits }) => `${differingBits}`,
  bounded: ({ worstRatio }) => ratio(worstRatio),
  official: ({ worstRatio }) => ratio(worstRatio),
};

/** One row per op and tier, one column per backend: differing bits, or the largest error as a share of its bound. */
export function opTable(columns: readonly Column[]): string {
  const rows = opRows(columns).map(({ subject, tier, cases, totals }) => [
    subject,
    tier,
    `${cases}`,
    ...totals.map((each) => resultOf(each, FIGURE[tier])),
  ]);
  return formatTable(["op", "tier", "cases", ...columns.map(({ family }) => family)], rows);
}

/** One row per probe, one column per backend. */
export function probeTable(columns: readonly Column[]): string {
  const rows = probeRows(columns).map(({ title, answers }) => [title, ...answers]);
  return formatTable(["probe", ...columns.map(({ family }) => family)], rows);
}

/** One row for each subject of each part. */
export function partTable(reports: readonly PartReport[]): string {
  const rows = partRows(reports).map(({ part, implementation, subject, tier, totals }) => [
    part,
    implementation,
    subject,
    tier,
    `${totals.cases + totals.deviating}`,
    resultOf(totals, tier === "official" ? ({ worstRatio }) => `${ratio(worstRatio)} of limit` : sameBytes),
  ]);
  return formatTable(["part", "of", "subject", "tier", "cases", ""], rows);
}

/** A hash says that bytes differ, not how many. */
const sameBytes = ({ failed }: Totals) => (failed === 0 ? "same bytes" : "");

/** Aligned plain text without borders. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    [
      "top",
      "top-mid",
      "top-left",
      "top-right",
      "bottom",
      "bottom-mid",
      "bottom-left",
      "bottom-right",
      "left",
      "left-mid",
      "mid",
      "mid-mid",
      "right",
      "right-mid",
    ].map((name) => [name, ""]),
  );
  const table = new CliTable({
    head: [...head],
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 1 },
    chars: { ...none, middle: " " },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
