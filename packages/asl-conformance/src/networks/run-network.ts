import { type Backend, graphFromJson, type Program, type StateSpec, type Tensors } from "asl-core";
import { type Comparison, compareRelative } from "../compare.js";
import { judged, messageOf, NOTHING, summarize } from "../outcome.js";
import type { CaseOutcome } from "../report.js";
import type { Expectation, NetworkFixture } from "./network-fixture.js";
import { prefixed, TensorFiles } from "./tensor-files.js";

/** Runs a network's program step by step and compares with the official numbers; `reason` as of `runCase`. */
export async function runNetworkCase(backend: Backend, fixture: NetworkFixture, reason?: string): Promise<CaseOutcome> {
  const base = { case: fixture.name, subject: SUBJECTS[fixture.kind], kind: fixture.kind, tier: "official" } as const;
  try {
    const measured = summarize(await compareNetwork(backend, fixture));
    return { ...base, ...judged(measured.first === undefined, reason), ...measured };
  } catch (error) {
    return { ...base, ...judged(false, reason), ...NOTHING, error: messageOf(error) };
  }
}

const SUBJECTS = { model: "models", training: "training" } as const;

async function compareNetwork(backend: Backend, fixture: NetworkFixture): Promise<readonly Comparison[]> {
  const files = new TensorFiles(fixture.readTensors);
  const program: Program = { ...fixture.program, graph: graphFromJson(fixture.program.graph) };
  const state: StateSpec = Object.fromEntries(
    Object.entries(fixture.state).map(([name, type]) => [name, { type, role: "buffer", init: { kind: "zeros" } }]),
  );
  await using session = await backend.compile(state, { program });
  for (const { file, prefix } of fixture.start) await session.write(prefixed(await files.all(file), prefix));
  const comparisons: Comparison[] = [];
  const compare = async (actual: Tensors, expectations: readonly Expectation[], when: string) => {
    for (const expectation of expectations) {
      for (const [name, tensor] of Object.entries(await files.expected(expectation))) {
        comparisons.push(compareRelative(when + name, actual[name]!, tensor, expectation));
      }
    }
  };
  for (const [i, { inputs, expected }] of fixture.steps.entries()) {
    const outputs = await session.run("program", await files.record(inputs));
    await compare(outputs, expected, fixture.steps.length === 1 ? "" : `step ${i + 1}: `);
  }
  if (fixture.expectedState.length > 0) await compare(await session.read(), fixture.expectedState, "state ");
  return comparisons;
}
