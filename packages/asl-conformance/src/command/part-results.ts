import type { PartReport } from "../parts/part.js";
import { formatTable } from "./matrix.js";
import { totalsOf } from "./summary.js";

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

/** What the tables show of a part, subject by subject. */
export function partRows({ outcomes }: PartReport) {
  return [...new Set(outcomes.map(({ subject }) => subject))].map((subject) => {
    const own = outcomes.filter((each) => each.subject === subject);
    const deviating = own.filter(({ status }) => status === "deviates").length;
    return { subject, tier: own[0]!.tier, totals: totalsOf(own), deviating };
  });
}
