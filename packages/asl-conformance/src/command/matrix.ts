import CliTable from "cli-table3";
import { TIERS, type Tier } from "../fixture.js";
import type { PartReport } from "../parts/part.js";
import { PROBE_NAMES, PROBES } from "../probes.js";
import type { CaseOutcome, Report } from "../report.js";
import { ofTier, partRows, type Totals, totalsOf } from "./summary.js";

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

const ratio = (x: number) => (x === 0 ? "0" : Number.isFinite(x) ? x.toPrecision(3) : "inf");

/** Beside a sum that cancels, an error in units of the last place says little. */
const ulps = (x: number) => (x < 1000 ? `${x.toFixed(1)}ulp` : ">1000ulp");

/** One row per backend: each tier's cases and worst figures. */
export function backendTable(reports: readonly Report[]): string {
  const rows = reports.map((report) => {
    const [dyadic, exact, bounded, official] = TIERS.map((tier) => totalsOf(ofTier(report.outcomes, tier)));
    return [
      report.backend,
      `${dyadic!.cases}`,
      `${dyadic!.differingBits}`,
      `${exact!.cases}`,
      `${exact!.differingBits}`,
      `${bounded!.cases}`,
      ratio(bounded!.worstRatio),
      `${official!.cases}`,
      ratio(official!.worstRatio),
      `${report.outcomes.filter(({ status }) => status === "deviates").length}`,
      `${dyadic!.failed + exact!.failed + bounded!.failed + official!.failed + report.unknownDeviations.length}`,
      report.seconds.toFixed(1),
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
    "failed",
    "seconds",
  ];
  return formatTable(head, rows);
}

/** One row per op and tier, one column per backend: differing bits, or the largest error as a share of its bound. */
export function opTable(columns: readonly Column[]): string {
  const all = columns.flatMap(({ reports }) => reports.flatMap(({ outcomes }) => outcomes));
  const subjects = [...new Set(all.map(({ subject }) => subject))];
  const rows = subjects.flatMap((subject) =>
    TIERS.flatMap((tier) => {
      const of = (outcomes: readonly CaseOutcome[]) =>
        ofTier(outcomes, tier).filter((each) => each.subject === subject);
      const cases = Math.max(...columns.flatMap(({ reports }) => reports.map(({ outcomes }) => of(outcomes).length)));
      if (cases === 0) return [];
      const cells = columns.map(({ reports }) => cellOf(reports.flatMap(({ outcomes }) => of(outcomes))));
      return [[subject, tier, `${cases}`, ...cells]];
    }),
  );
  return formatTable(["op", "tier", "cases", ...columns.map(({ family }) => family)], rows);
}

type Figures = Pick<Totals, "differingBits" | "worstRatio" | "worstUlp">;
const bits = ({ differingBits }: Figures) => `${differingBits} bits`;

const FIGURE: Readonly<Record<Tier, (figures: Figures) => string>> = {
  dyadic: bits,
  exact: bits,
  bounded: ({ worstRatio, worstUlp }) => `${ratio(worstRatio)} ${ulps(worstUlp)}`,
  official: ({ worstRatio }) => ratio(worstRatio),
};

function cellOf(outcomes: readonly CaseOutcome[]): string {
  if (outcomes.length === 0) return "";
  const { differingBits, worstRatio, worstUlp, failed } = totalsOf(outcomes);
  const deviating = new Set(outcomes.filter(({ status }) => status === "deviates").map((each) => each.case)).size;
  const notes = `${deviating > 0 ? ` -${deviating}` : ""}${failed > 0 ? ` FAILED ${failed}` : ""}`;
  return FIGURE[outcomes[0]!.tier]({ differingBits, worstRatio, worstUlp }) + notes;
}

/** One row per probe, one column per backend. */
export function probeTable(columns: readonly Column[]): string {
  const rows = PROBE_NAMES.map((name) => [
    PROBES[name].title,
    ...columns.map(({ reports }) => [...new Set(reports.map(({ probes }) => probes[name]))].join(" / ")),
  ]);
  return formatTable(["probe", ...columns.map(({ family }) => family)], rows);
}

/** One row for each subject of each part. */
export function partTable(reports: readonly PartReport[]): string {
  const rows = reports.flatMap((report) =>
    partRows(report).map(({ subject, tier, totals }) => [
      report.part,
      report.implementation,
      subject,
      tier,
      `${totals.cases}`,
      tier === "official" ? `${totals.worstRatio.toPrecision(3)} of limit` : totals.failed === 0 ? "same bytes" : "",
      totals.failed === 0 ? "" : `FAILED ${totals.failed}`,
    ]),
  );
  return formatTable(["part", "of", "subject", "tier", "cases", "", ""], rows);
}

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
