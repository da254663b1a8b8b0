import { AslError, InputError } from "asl-core";
import { exactFixtures } from "../exact-fixtures.js";
import type { Fixture } from "../fixture.js";
import { Hosts } from "../hosts/hosts.js";
import { loadFixtures } from "../load.js";
import { MUTANTS, type MutantOutcome, runMutants } from "../mutants/mutants.js";
import { loadNetworks } from "../networks/load-networks.js";
import { explain, type Report } from "../report.js";
import { isAccepted } from "../run.js";
import { SESSION_CASES } from "../session-cases.js";
import { loadAdapter, loadBrowserAdapter } from "./adapter.js";
import { type Candidate, candidatesOf } from "./backends.js";
import { type Cases, runCandidate } from "./candidate-run.js";
import { htmlReport } from "./html.js";
import { inLanes, type Say } from "./lanes.js";
import { backendTable, columnsOf, formatTable, opTable, probeTable } from "./matrix.js";
import type { Skipped } from "./skipped.js";
import { mutantsJson, summaryOf } from "./summary.js";
import { writeFileAtomically } from "./write-file.js";

export interface CommandOptions {
  readonly backend: readonly string[];
  readonly case: readonly string[];
  readonly browser?: true | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly mutants?: true | undefined;
  readonly matrix: boolean;
  readonly quiet?: true | undefined;
}

export interface Output {
  /** Results. */
  print(text: string): void;
  /** Progress; ends in no newline of its own. */
  progress(text: string): void;
}

/** Runs the suite; true when every backend conforms and no mutant survives. */
export async function conform(adapters: readonly string[], options: CommandOptions, output: Output): Promise<boolean> {
  const started = performance.now();
  const cases = chosen(options.case);
  await using hosts = new Hosts();
  const candidates = await chosenCandidates(adapters, options, hosts);
  const results: { readonly family: string; readonly report: Report }[] = [];
  const skipped: Skipped[] = [];
  const maySkip = adapters.length + options.backend.length === 0;
  const runOne = async (candidate: Candidate, say: Say) => {
    const result = await runCandidate(candidate, cases, hosts, say);
    if (!("reason" in result)) return { family: candidate.family, report: result };
    if (maySkip) return result;
    throw new AslError("ERR_ASL_BACKEND", `${result.name} cannot run here: ${result.reason}`);
  };
  for (const result of await inLanes(candidates, ({ host = "node" }) => host, runOne, output.progress)) {
    if ("reason" in result) skipped.push(result);
    else results.push(result);
  }
  const reports = results.map(({ report }) => report);
  const columns = columnsOf(results);
  if (options.matrix) {
    output.print(`${opTable(columns)}\n`);
    output.print("bits: differ in all cases together. 0.96 3.5ulp: largest error as a share of its bound, and in ULP.");
    output.print("official: largest relative error as a share of what the fixture allows. -2: two cases deviate as");
    output.print("declared, below.\n");
    output.print(`${probeTable(columns)}\n`);
  }
  const replay = new Map(candidates.map(({ name, argument = `--backend ${name}` }) => [name, argument]));
  for (const { family, reports: same } of columns) printRemarks(family, same, replay, output);
  output.print(backendTable(reports));
  for (const { name, reason } of skipped) output.print(`skipped ${name}: ${reason}`);
  const mutants = options.mutants === true ? await huntMutants(loadFixtures(), output) : undefined;
  const seconds = (performance.now() - started) / 1000;
  if (options.json !== undefined) {
    const summary = summaryOf({ reports, skipped, seconds, mutants: mutants && mutantsJson(mutants) });
    await writeFileAtomically(options.json, `${JSON.stringify(summary, null, 2)}\n`);
  }
  if (options.html !== undefined)
    await writeFileAtomically(options.html, htmlReport({ columns, skipped, mutants, seconds }));
  const survives = mutants?.some(({ killedBy }) => killedBy === undefined) ?? false;
  const passed = reports.every((report) => report.passed) && !survives;
  const count = cases.fixtures.length + cases.sessionCases.length + cases.networks.length;
  output.print(`\n${passed ? "all conform" : "FAILED"}, ${count} cases, ${seconds.toFixed(1)} s`);
  return passed;
}

async function chosenCandidates(
  adapters: readonly string[],
  { backend: names, browser }: CommandOptions,
  hosts: Hosts,
): Promise<readonly Candidate[]> {
  if (browser === true && adapters.length === 0)
    throw new InputError("--browser needs an adapter to run in the browser");
  const load = (file: string) => (browser === true ? loadBrowserAdapter(file, hosts) : loadAdapter(file));
  const own = await Promise.all(adapters.map(load));
  return adapters.length > 0 && names.length === 0 ? own : [...own, ...candidatesOf(names)];
}

/** The cases whose names begin with one of `names`; all when there is none. */
function chosen(names: readonly string[]): Cases {
  const fixtures = [...loadFixtures(), ...exactFixtures()];
  const networks = loadNetworks();
  if (names.length === 0) return { fixtures, sessionCases: SESSION_CASES, networks, isWhole: true };
  const all = [...fixtures, ...SESSION_CASES, ...networks];
  const unknown = names.find((name) => !all.some((each) => each.name.startsWith(name)));
  if (unknown !== undefined) throw new InputError(`no case is called "${unknown}" or starts with it`);
  const matches = (each: { readonly name: string }) => names.some((name) => each.name.startsWith(name));
  return {
    fixtures: fixtures.filter(matches),
    sessionCases: SESSION_CASES.filter(matches),
    networks: networks.filter(matches),
    isWhole: false,
  };
}

/** Prints each wrong version and the case that found it out. */
async function huntMutants(fixtures: readonly Fixture[], output: Output): Promise<readonly MutantOutcome[]> {
  const outcomes = await runMutants(fixtures, MUTANTS, (done, total) => output.progress(`mutants ${done}/${total}`));
  const rows = outcomes.map(({ name, mistake, killedBy }) => [killedBy ?? "SURVIVES", name, mistake]);
  output.print(`\n${formatTable(["killed by", "mutant", "mistake"], rows)}\n`);
  const { killed, total } = mutantsJson(outcomes);
  output.print(`${killed} of ${total} mutants killed`);
  return outcomes;
}

/** Failures, each with the command that shows it alone, and declared deviations. */
function printRemarks(
  family: string,
  reports: readonly Report[],
  replay: ReadonlyMap<string, string>,
  output: Output,
): void {
  const failures = new Map<string, string[]>();
  for (const { backend, outcomes, unknownDeviations } of reports) {
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
  const deviations = reports.flatMap(({ outcomes }) =>
    outcomes
      .filter(({ status }) => status === "deviates")
      .map((each) => `${family} deviates: ${each.case} (${each.reason})`),
  );
  for (const line of new Set([...lines, ...deviations])) output.print(line);
  if (lines.length + deviations.length > 0) output.print("");
}
