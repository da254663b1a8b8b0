import { type Backend, type Graph, type Program, type Tensors, traitsOf } from "asl-core";
import { errorBounds } from "./bounds.js";
import { type Comparison, compareBits, compareBounded } from "./compare.js";
import type { Fixture } from "./fixture.js";
import type { NetworkFixture } from "./networks/network-fixture.js";
import { runNetworkCase } from "./networks/run-network.js";
import { judged, type Measured, messageOf, NOTHING, summarize } from "./outcome.js";
import { probe } from "./probes.js";
import type { CaseOutcome, Deviation, Report } from "./report.js";
import { SESSION_CASES, type SessionCase } from "./session-cases.js";

export interface ConformanceOptions {
  readonly fixtures: readonly Fixture[];
  /** What sessions promise beside numbers. Default: SESSION_CASES. */
  readonly sessionCases?: readonly SessionCase[];
  /** Whole forward passes and training runs. Default: none; see loadNetworks. */
  readonly networks?: readonly NetworkFixture[];
  /** Cases that the backend is known to fail. */
  readonly deviations?: readonly Deviation[];
  /** After each case, for progress. */
  readonly onCase?: (outcome: CaseOutcome, done: number, total: number) => void;
}

/**
 * Runs every fixture on the backend and compares by tier. A backend that holds f32 in float64 has no float32 rounding
 * whose bits could be compared: where several ops follow one another, its cases of the tier `exact` count as `bounded`.
 * Never throws for what a backend does wrong: see `passed`. */
export async function runConformance(backend: Backend, options: ConformanceOptions): Promise<Report> {
  const { fixtures, sessionCases = SESSION_CASES, networks = [], deviations = [], onCase } = options;
  const started = performance.now();
  const reasons = new Map(deviations.map((deviation) => [deviation.case, deviation.reason]));
  const outcomes: CaseOutcome[] = [];
  const total = fixtures.length + sessionCases.length + networks.length;
  const add = (outcome: CaseOutcome) => {
    outcomes.push(outcome);
    onCase?.(outcome, outcomes.length, total);
  };
  for (const fixture of fixtures) add(await runCase(backend, fixture, reasons.get(fixture.name)));
  for (const each of sessionCases) add(await runSessionCase(backend, each, reasons.get(each.name)));
  for (const each of networks) add(await runNetworkCase(backend, each, reasons.get(each.name)));
  const names = new Set([...fixtures, ...sessionCases, ...networks].map(({ name }) => name));
  const unknownDeviations = deviations.map((deviation) => deviation.case).filter((name) => !names.has(name));
  return {
    backend: backend.name,
    outcomes,
    probes: await probe(backend),
    seconds: (performance.now() - started) / 1000,
    passed: conforms(outcomes, unknownDeviations),
    unknownDeviations,
  };
}

export const isAccepted = ({ status }: CaseOutcome) => status === "passed" || status === "deviates";

/** Where nothing was run, nothing conforms. */
export const conforms = (outcomes: readonly CaseOutcome[], unknownDeviations: readonly string[]) =>
  outcomes.length > 0 && unknownDeviations.length === 0 && outcomes.every(isAccepted);

/** One case; `reason` when it is declared as a deviation. */
export async function runCase(backend: Backend, fixture: Fixture, reason?: string): Promise<CaseOutcome> {
  const measured = await measure(backend, fixture);
  const agrees = measured.error === undefined && measured.first === undefined;
  const { name, subject, kind } = fixture;
  return { case: name, subject, kind, ...judged(agrees, reason), ...measured };
}

/** One promise of a session; `reason` when it is declared as a deviation. */
export async function runSessionCase(backend: Backend, { name, check }: SessionCase, reason?: string) {
  const error = await check(backend).then(
    () => undefined,
    (thrown: unknown) => messageOf(thrown),
  );
  const outcome: CaseOutcome = {
    case: name,
    subject: "session",
    kind: "edge",
    tier: "exact",
    ...judged(error === undefined, reason),
    ...NOTHING,
    ...(error === undefined ? {} : { error }),
  };
  return outcome;
}

async function measure(backend: Backend, fixture: Fixture): Promise<Measured> {
  try {
    const outputs = await runGraph(backend, fixture.graph, fixture.inputs);
    const tier = roundsLater(fixture, outputs) ? "bounded" : fixture.tier;
    return { tier, ...summarize(compareAll({ ...fixture, tier }, outputs)) };
  } catch (error) {
    return { tier: fixture.tier, ...NOTHING, error: messageOf(error) };
  }
}

/** Whether results of ops went into further ops without having been rounded to float32. */
function roundsLater({ tier, graph }: Fixture, outputs: Tensors): boolean {
  const arithmetic = graph.nodes.filter(({ op }) => !(traitsOf(op).movement ?? op === "constant"));
  return (
    tier === "exact" && arithmetic.length > 1 && Object.values(outputs).some(({ data }) => data instanceof Float64Array)
  );
}

function compareAll({ tier, graph, inputs, expected }: Fixture, outputs: Tensors): Comparison[] {
  const bounds = tier === "bounded" ? errorBounds(graph, inputs) : {};
  return Object.entries(expected).map(([name, tensor]) => {
    const bound = bounds[name];
    return bound === undefined
      ? compareBits(name, outputs[name]!, tensor)
      : compareBounded(name, outputs[name]!, tensor, bound.error);
  });
}

/** Runs a graph without state once. */
export async function runGraph(backend: Backend, graph: Graph, inputs: Tensors): Promise<Tensors> {
  const program: Program = { graph, reads: {}, writes: {}, finite: [] };
  await using session = await backend.compile({}, { program });
  return await session.run("program", inputs);
}
