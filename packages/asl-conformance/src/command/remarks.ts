import { explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import type { Output } from "./output.js";

/** What is remarked on of a run: of a backend, or of a part. */
export interface Run extends Pick<Report, "outcomes" | "unknownDeviations"> {
  readonly name: string;
}

/** Failures, each with the command that shows it alone, and declared deviations. */
export function printRemarks(
  family: string,
  runs: readonly Run[],
  replay: ReadonlyMap<string, string>,
  output: Output,
): void {
  const failures = new Map<string, string[]>();
  for (const { name: backend, outcomes, unknownDeviations } of runs) {
    const lines = [
      ...outcomes
        .filter((outcome) => !isAccepted(outcome))
        .map((each) => `${explain(each)}\n       asl-conformance ${replay.get(backend)} --case ${each.case}`),
      ...unknownDeviations.map((name) => `a deviation names ${name}, which does not exist`),
    ];
    // configurations that fail alike differ in the command only
    for (const line of lines) {
      const alike = line.split("\n")[0]!;
      failures.set(alike, [...(failures.get(alike) ?? []), `FAILED ${backend}: ${line}`]);
    }
  }
  const lines = [...failures.values()].map(([first, ...others]) =>
    others.length === 0 ? first! : `${first}\n       and ${others.length} more configurations of ${family}`,
  );
  const deviations = runs.flatMap(({ outcomes }) =>
    outcomes
      .filter(({ status }) => status === "deviates")
      .map((each) => `${family} deviates: ${each.case} (${each.reason})`),
  );
  for (const line of new Set([...lines, ...deviations])) output.print(line);
  if (lines.length + deviations.length > 0) output.print("");
}
