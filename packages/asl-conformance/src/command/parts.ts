import { InputError, meanAveragePrecision, precisionRecall } from "asl-core";
import type { Parts } from "../adapter.js";
import { type Metrics, metricsCases } from "../parts/metrics.js";
import { type PartCase, type PartReport, runPart } from "../parts/part.js";
import { type PartName, partOf } from "../parts/part-name.js";
import { type Preprocessing, preprocessingCases } from "../parts/preprocessing.js";
import type { Deviation } from "../report.js";
import type { Skipped } from "./skipped.js";

/** Parts as the command runs them. */
export interface PartsCandidate extends Parts {
  readonly name: string;
  /** What names it on the command line. */
  readonly argument: string;
  readonly deviations: readonly Deviation[];
  /** Fails where a function is missing; default: the cases of that function are not run. */
  readonly isWhole?: boolean;
}

/** All cases of both parts. */
export interface PartCases {
  readonly metrics: readonly PartCase<Metrics>[];
  readonly preprocess: readonly PartCase<Preprocessing>[];
}

/** The cases for which `isChosen` holds. */
export function partCases(isChosen: (each: { readonly name: string }) => boolean = () => true): PartCases {
  return { metrics: metricsCases().filter(isChosen), preprocess: preprocessingCases().filter(isChosen) };
}

export const namesOf = ({ metrics, preprocess }: PartCases) => [...metrics, ...preprocess].map(({ name }) => name);

/** asl-core's metrics, and asl-data's preprocessing where that is installed. */
export async function ownParts(): Promise<{ readonly own: readonly PartsCandidate[]; readonly skipped?: Skipped }> {
  const common = { argument: "", deviations: [], isWhole: true };
  const core: PartsCandidate = { ...common, name: "asl-core", metrics: { meanAveragePrecision, precisionRecall } };
  const preprocess = await ownPreprocessing();
  return "reason" in preprocess
    ? { own: [core], skipped: preprocess }
    : { own: [core, { ...common, name: "asl-data", preprocess }] };
}

/** asl-data is no dependency, as the adapters are none: it is loaded by name. */
export async function ownPreprocessing(specifier = "asl-data"): Promise<Preprocessing | Skipped> {
  try {
    return (await import(specifier)) as Preprocessing;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = `it cannot be loaded (${message}); install it beside asl-conformance`;
    return { name: `preprocessing of ${specifier}`, reason };
  }
}

/** Runs what the candidate has of the chosen cases; a part without a chosen case has no report. */
export async function runParts(
  { name, deviations, isWhole = false, ...parts }: PartsCandidate,
  cases: PartCases,
  leftOut: ReadonlySet<string>,
  progress: (text: string) => void,
): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  const add = async <I>(part: PartName, implementation: Partial<I> | undefined, own: readonly PartCase<I>[]) => {
    if (implementation === undefined || own.length === 0) return;
    const declared = deviations.filter((each) => partOf(each.case) === part && !leftOut.has(each.case));
    const report = await runPart({
      part,
      name,
      implementation,
      cases: own,
      isWhole,
      deviations: declared,
      onCase: (_outcome, done, total) => progress(`${name} ${part} ${done}/${total}`),
    });
    if (report.outcomes.length === 0) {
      throw new InputError(`${name}: its ${part} has none of the functions ${report.missing.join(", ")}`);
    }
    reports.push(report);
  };
  await add("metrics", parts.metrics, cases.metrics);
  await add("preprocess", parts.preprocess, cases.preprocess);
  return reports;
}
