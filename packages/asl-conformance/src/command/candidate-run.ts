import { AslError } from "asl-core";
import type { Fixture } from "../fixture.js";
import type { Hosts } from "../hosts/hosts.js";
import type { NetworkFixture } from "../networks/network-fixture.js";
import type { Report } from "../report.js";
import { runConformance } from "../run.js";
import type { SessionCase } from "../session-cases.js";
import type { Candidate, OpenBackend } from "./backends.js";
import type { Skipped } from "./skipped.js";

export interface Cases {
  readonly fixtures: readonly Fixture[];
  readonly sessionCases: readonly SessionCase[];
  readonly networks: readonly NetworkFixture[];
  /** Names of the cases that were not chosen; their deviations are not asked for. */
  readonly leftOut: ReadonlySet<string>;
}

/**
 * Opens a candidate, runs the cases and closes it. Where the machine has not what the backend needs, or none of the
 * cases means anything to it, the reason; any other error is thrown.
 */
export async function runCandidate(
  candidate: Candidate,
  cases: Cases,
  hosts: Hosts,
  progress: (text: string) => void,
): Promise<Report | Skipped> {
  const { name } = candidate;
  const own = casesOf(candidate, cases);
  if (own.fixtures.length + own.sessionCases.length + own.networks.length === 0) {
    return { name, reason: "the cases rest on float32 rounding; it computes in more" };
  }
  progress(`${name} starts`);
  let backend: OpenBackend;
  try {
    backend = await started(candidate, hosts);
  } catch (error) {
    if (error instanceof AslError && error.code === "ERR_ASL_BACKEND") return { name, reason: error.message };
    throw error;
  }
  try {
    return await run(candidate, backend, own, progress);
  } finally {
    await backend[Symbol.asyncDispose]?.();
  }
}

/** The cases that mean something to it. */
const casesOf = ({ isWider = false }: Candidate, { fixtures, ...others }: Cases): Cases => ({
  ...others,
  fixtures: isWider ? fixtures.filter(({ subject }) => subject !== "exact-functions") : fixtures,
});

/** Opened and tried: a device that is not there shows at the first session. */
async function started(candidate: Candidate, hosts: Hosts): Promise<OpenBackend> {
  const backend = await candidate.open(hosts);
  try {
    const session = await backend.compile({}, {});
    await session[Symbol.asyncDispose]();
  } catch (error) {
    await backend[Symbol.asyncDispose]?.();
    throw error;
  }
  return backend;
}

async function run(
  { name, deviations }: Candidate,
  backend: OpenBackend,
  { leftOut, ...cases }: Cases,
  progress: (text: string) => void,
): Promise<Report> {
  const report = await runConformance(backend, {
    ...cases,
    deviations: deviations.filter((each) => !leftOut.has(each.case)),
    onCase(_outcome, done, total) {
      if (done % 50 === 0 || done === total) progress(`${name} ${done}/${total}`);
    },
  });
  // several configurations of one backend carry one name
  return { ...report, backend: name };
}
