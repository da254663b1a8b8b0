import type { Difference } from "./compare.js";
import type { CaseKind, Tier } from "./fixture.js";
import type { Probes } from "./probes.js";

/** A case that a backend is known to fail, and why that is accepted. One that starts passing fails the run. */
export interface Deviation {
  /** The case's name. */
  readonly case: string;
  readonly reason: string;
}

/**
 * - `passed`, `failed`
 * - `deviates`: fails, as declared
 * - `mended`: declared as a deviation, but passes: the declaration must go
 */
export type Status = "passed" | "failed" | "deviates" | "mended";

export interface CaseOutcome {
  readonly case: string;
  readonly subject: string;
  readonly kind: CaseKind;
  readonly tier: Tier;
  readonly status: Status;
  readonly elements: number;
  readonly differingBits: number;
  readonly worstUlp: number;
  readonly worstRatio: number;
  readonly first?: Difference;
  /** The message, when the backend threw or returned another type. */
  readonly error?: string;
  /** Of a declared deviation. */
  readonly reason?: string;
}

export interface Report {
  readonly backend: string;
  readonly outcomes: readonly CaseOutcome[];
  readonly probes: Probes;
  readonly seconds: number;
  /** Cases were run, none failed, and no declared deviation has mended or names a case that was not run. */
  readonly passed: boolean;
  /** Deviations that name no case of the run. */
  readonly unknownDeviations: readonly string[];
}

/** One line that says what differs and how to see it alone. */
export function explain(outcome: CaseOutcome): string {
  const { case: name, status, error, first, reason } = outcome;
  if (status === "mended") return `${name}: passes, but is declared as a deviation (${reason}); remove the declaration`;
  if (error !== undefined) return `${name}: ${shortened(error)}`;
  if (first === undefined) return `${name}: ${status}`;
  const allowed = first.allowed === 0 ? "exactly" : `within ${first.allowed.toPrecision(3)} of`;
  return (
    `${name}: output "${first.output}"[${first.index.join(",")}] must be ${allowed} ${first.expected} ` +
    `(${first.expectedBits}); got ${first.actual} (${first.actualBits})`
  );
}

/** The first line of a message, without the end that native runtimes like to make long. */
function shortened(message: string): string {
  const line = message.trim().split("\n")[0]!;
  return line.length <= 240 ? line : `${line.slice(0, 240)}...`;
}
