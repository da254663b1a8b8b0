import type { CaseOutcome, Deviation, Report } from "./report.js";
import { conforms } from "./run.js";

/**
 * A report in which failures of these cases count as deviations. For a device that nobody has seen before: it may
 * deviate there, and it may as well not, so that passing is no fault either.
 */
export function permitting(report: Report, deviations: readonly Deviation[]): Report {
  const reasons = new Map(deviations.map((deviation) => [deviation.case, deviation.reason]));
  const outcomes = report.outcomes.map((outcome): CaseOutcome => {
    const reason = reasons.get(outcome.case);
    return reason !== undefined && outcome.status === "failed" ? { ...outcome, status: "deviates", reason } : outcome;
  });
  return { ...report, outcomes, passed: conforms(outcomes, report.unknownDeviations) };
}
