import type { PartReport } from "../parts/part.js";
import { explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import type { Column } from "./rows.js";

/** What is remarked on of a run: of a backend, or of a part. */
interface Run extends Pick<Report, "outcomes" | "unknownDeviations"> {
  readonly name: string;
  /** Functions that it should have. */
  readonly missing: readonly string[];
}

/** Runs that fail alike are remarked on together. */
export interface Family {
  readonly name: string;
  /** As a heading. */
  readonly title: string;
  readonly runs: readonly Run[];
}

export const familiesOf = (columns: readonly Column[], parts: readonly PartReport[]): readonly Family[] => [
  ...columns.map(({ family, reports }) => ({
    name: family,
    title: family,
    runs: reports.map((report) => ({ ...report, name: report.backend, missing: [] })),
  })),
  ...parts.map((report) => {
    const { part, implementation: name, isWhole, missing } = report;
    return { name, title: `${part} of ${name}`, runs: [{ ...report, name, missing: isWhole ? missing : [] }] };
  }),
];

/** A failure and the configurations of the family that have it alike. */
export interface Failure {
  /** A case, or a function that is missing. */
  readonly title: string;
  readonly detail: string;
  readonly isCase: boolean;
  readonly names: readonly [string, ...string[]];
}

export function failuresOf({ runs }: Family): readonly Failure[] {
  const failures = new Map<string, Failure>();
  for (const { name, outcomes, unknownDeviations, missing } of runs) {
    const add = (title: string, detail: string, isCase = false) => {
      const key = `${title}\n${detail}`;
      const names = failures.get(key)?.names;
      failures.set(key, { title, detail, isCase, names: names === undefined ? [name] : [...names, name] });
    };
    for (const outcome of outcomes) {
      // `explain` without the case's name
      if (!isAccepted(outcome)) add(outcome.case, explain(outcome).slice(outcome.case.length + 2), true);
    }
    for (const unknown of unknownDeviations) add(unknown, "is declared as a deviation, but is no case of this run");
    for (const each of missing) add(each, "is missing, so that its cases were not run");
  }
  return [...failures.values()];
}

export interface DeclaredDeviation {
  readonly case: string;
  readonly reason: string;
}

/** Each deviation once, in the order of the cases. */
export function deviationsOf({ runs }: Family): readonly DeclaredDeviation[] {
  const deviating = runs.flatMap(({ outcomes }) => outcomes).filter(({ status }) => status === "deviates");
  return [...new Map(deviating.map(({ case: name, reason = "" }) => [name, { case: name, reason }])).values()];
}
