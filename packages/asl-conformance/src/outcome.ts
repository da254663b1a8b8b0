import type { Comparison } from "./compare.js";
import type { CaseOutcome } from "./report.js";

/** What a case measured, before its name. */
export type Measured = Omit<CaseOutcome, "case" | "subject" | "kind" | "status" | "reason">;

export const NOTHING = { elements: 0, differingBits: 0, worstUlp: 0, worstRatio: 0 };

export function judged(agrees: boolean, reason: string | undefined): Pick<CaseOutcome, "status" | "reason"> {
  if (reason === undefined) return { status: agrees ? "passed" : "failed" };
  return { status: agrees ? "mended" : "deviates", reason };
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The worst of several tensors, and the first difference. */
export function summarize(comparisons: readonly Comparison[]): Omit<Measured, "tier"> {
  const worst = (of: (comparison: Comparison) => number) => Math.max(0, ...comparisons.map(of));
  const sum = (of: (comparison: Comparison) => number) => comparisons.reduce((total, each) => total + of(each), 0);
  const first = comparisons.find((comparison) => comparison.first !== undefined)?.first;
  return {
    elements: sum((comparison) => comparison.elements),
    differingBits: sum((comparison) => comparison.differingBits),
    worstUlp: worst((comparison) => comparison.worstUlp),
    worstRatio: worst((comparison) => comparison.worstRatio),
    ...(first === undefined ? {} : { first }),
  };
}
