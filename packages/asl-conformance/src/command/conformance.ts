import { AslError, InputError } from "asl-core";
import { exactFixtures } from "../exact-fixtures.js";
import type { Fixture } from "../fixture.js";
import { Hosts } from "../hosts/hosts.js";
import { loadFixtures } from "../load.js";
import { METRICS_MUTANTS } from "../mutants/metrics.js";
import { MUTANTS, type MutantOutcome, runMutants } from "../mutants/mutants.js";
import { runPartMutants } from "../mutants/part-mutant.js";
import { pictureMutants } from "../mutants/pictures.js";
import { PREPROCESSING_MUTANTS } from "../mutants/preprocessing.js";
import { loadNetworks } from "../networks/load-networks.js";
import { metricsCases } from "../parts/metrics.js";
import type { PartReport } from "../parts/part.js";
import { preprocessingCases } from "../parts/preprocessing.js";
import type { Report } from "../report.js";
import { SESSION_CASES } from "../session-cases.js";
import { type LoadedAdapter, loadAdapter, loadBrowserAdapter } from "./adapter.js";
import { type Candidate, candidatesOf } from "./backends.js";
import { type Cases, runCandidate } from "./candidate-run.js";
import { htmlReport } from "./html.js";
import { inLanes, type Say } from "./lanes.js";
import { backendTable, formatTable, opTable, partTable, probeTable } from "./matrix.js";
import type { Output } from "./output.js";
import {
  namesOf,
  ownParts,
  ownPreprocessing,
  type PartCases,
  type PartsCandidate,
  partCases,
  runParts,
} from "./parts.js";
import { printRemarks } from "./print-remarks.js";
import { familiesOf } from "./remarks.js";
import { type Column, columnsOf } from "./rows.js";
import type { Skipped } from "./skipped.js";
import { mutantsJson, summaryOf } from "./summary.js";
import { allConform } from "./verdict.js";
import { checkPlaceOf, writeFileAtomically } from "./write-file.js";

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

/** A backend of this process takes a core; those with processes of their own wait for one another's answers a lot. */
const LANES = {
  laneOf: ({ host = "node" }: Candidate) => host,
  widthOf: (host: "node" | "own") => (host === "node" ? 1 : 2),
};

/** Runs the suite; true when every backend conforms and no mutant survives. */
export async function conform(adapters: readonly string[], options: CommandOptions, output: Output): Promise<boolean> {
  const started = performance.now();
  const cases = chosen(options.case);
  for (const file of [options.json, options.html]) if (file !== undefined) await checkPlaceOf(file);
  await using hosts = new Hosts();
  const { candidates, parts, skipped: missing } = await chosenCandidates(adapters, options, hosts);
  const results: { readonly family: string; readonly report: Report }[] = [];
  const skipped: Skipped[] = [...missing];
  const maySkip = adapters.length + options.backend.length === 0;
  const runOne = async (candidate: Candidate, say: Say) => {
    const result = await runCandidate(candidate, cases, hosts, say);
    if (!("reason" in result)) return { family: candidate.family, report: result };
    if (maySkip) return result;
    throw new AslError("ERR_ASL_BACKEND", `${result.name} cannot be run: ${result.reason}`);
  };
  const isForBackends = cases.fixtures.length + cases.sessionCases.length + cases.networks.length > 0;
  const chosenBackends = isForBackends ? candidates : [];
  for (const result of await inLanes(chosenBackends, LANES, runOne, output.progress)) {
    if ("reason" in result) skipped.push(result);
    else results.push(result);
  }
  const partReports: PartReport[] = [];
  for (const each of parts) partReports.push(...(await runParts(each, cases.parts, cases.leftOut, output.progress)));
  const reports = results.map(({ report }) => report);
  if (reports.length + partReports.length === 0) throw new InputError(nothingRun(options, skipped));
  const columns = columnsOf(results);
  if (options.matrix && reports.length > 0) printMatrix(columns, output);
  if (partReports.length > 0) output.print(`${partTable(partReports)}\n`);
  const replay = new Map([
    ...parts.map(({ name, argument }) => [name, argument] as const),
    ...candidates.map(({ name, argument = `--backend ${name}` }) => [name, argument] as const),
  ]);
  for (const family of familiesOf(columns, partReports)) printRemarks(family, replay, output);
  for (const { implementation, missing, isWhole } of partReports) {
    if (!isWhole && missing.length > 0) output.print(`${implementation} has no ${missing.join(", ")}: cases not run\n`);
  }
  if (reports.length > 0) output.print(backendTable(reports));
  for (const { name, reason } of skipped) output.print(`skipped ${name}: ${reason}`);
  const mutants = options.mutants === true ? await huntMutants(loadFixtures(), output) : undefined;
  const seconds = (performance.now() - started) / 1000;
  const all = { skipped, seconds, parts: partReports };
  if (options.json !== undefined) {
    const summary = summaryOf({ ...all, reports, mutants: mutants && mutantsJson(mutants) });
    await writeFileAtomically(options.json, `${JSON.stringify(summary, null, 2)}\n`);
  }
  if (options.html !== undefined) await writeFileAtomically(options.html, htmlReport({ ...all, columns, mutants }));
  const passed = allConform({ reports: [...reports, ...partReports], mutants });
  const ofBackends = reports.length === 0 ? 0 : Math.max(...reports.map(({ outcomes }) => outcomes.length));
  const count = ofBackends + partReports.reduce((sum, { outcomes }) => sum + outcomes.length, 0);
  output.print(`\n${passed ? "all conform" : "FAILED"}, ${count} cases, ${seconds.toFixed(1)} s`);
  return passed;
}

function printMatrix(columns: readonly Column[], output: Output): void {
  output.print(`${opTable(columns)}\n`);
  output.print("bits: differ in all cases together. 0.96 3.5ulp: largest error as a share of its bound, and in ULP.");
  output.print("official: largest relative error as a share of what the fixture allows. -2: two cases deviate as");
  output.print("declared, below.\n");
  output.print(`${probeTable(columns)}\n`);
}

const nothingRun = ({ case: cases }: CommandOptions, skipped: readonly Skipped[]) =>
  `no case was run: ${
    skipped.length === 0
      ? `nothing that was named has the cases ${cases.join(", ")}`
      : skipped.map(({ name, reason }) => `${name}: ${reason}`).join("; ")
  }`;

interface Chosen {
  readonly candidates: readonly Candidate[];
  readonly parts: readonly PartsCandidate[];
  readonly skipped: readonly Skipped[];
}

/** What was named; without any name all backends, and the metrics and preprocessing of asl-core and asl-data. */
async function chosenCandidates(
  adapters: readonly string[],
  { backend: names, browser }: CommandOptions,
  hosts: Hosts,
): Promise<Chosen> {
  if (browser === true && adapters.length === 0)
    throw new InputError("--browser needs an adapter to run in the browser");
  if (adapters.length + names.length === 0) {
    const { own, skipped } = await ownParts();
    return { candidates: candidatesOf([]), parts: own, skipped: skipped === undefined ? [] : [skipped] };
  }
  const load = (file: string): Promise<LoadedAdapter> =>
    browser === true ? loadBrowserAdapter(file, hosts) : loadAdapter(file);
  const own = await Promise.all(adapters.map(load));
  const candidates = own.flatMap(({ candidate }) => (candidate === undefined ? [] : [candidate]));
  return {
    candidates: names.length === 0 ? candidates : [...candidates, ...candidatesOf(names)],
    parts: own.flatMap(({ parts }) => (parts === undefined ? [] : [parts])),
    skipped: [],
  };
}

/** The cases whose names begin with one of `names`; all when there is none. */
function chosen(names: readonly string[]): Cases & { readonly parts: PartCases } {
  const fixtures = [...loadFixtures(), ...exactFixtures()];
  const networks = loadNetworks();
  if (names.length === 0)
    return { fixtures, sessionCases: SESSION_CASES, networks, parts: partCases(), leftOut: new Set() };
  const all = [...fixtures, ...SESSION_CASES, ...networks].map((each) => each.name).concat(namesOf(partCases()));
  const unknown = names.find((name) => !all.some((each) => each.startsWith(name)));
  if (unknown !== undefined) throw new InputError(`no case is called "${unknown}" or starts with it`);
  const matches = (each: { readonly name: string }) => names.some((name) => each.name.startsWith(name));
  return {
    fixtures: fixtures.filter(matches),
    sessionCases: SESSION_CASES.filter(matches),
    networks: networks.filter(matches),
    parts: partCases(matches),
    leftOut: new Set(all.filter((name) => !matches({ name }))),
  };
}

/** Prints each wrong version and the case that found it out. */
async function huntMutants(fixtures: readonly Fixture[], output: Output): Promise<readonly MutantOutcome[]> {
  const right = await ownPreprocessing();
  if ("reason" in right) output.print(`skipped wrong versions of decode and augment: ${right.reason}`);
  const pictures = "reason" in right ? [] : pictureMutants(right);
  const outcomes = [
    ...(await runMutants(fixtures, MUTANTS, (done, total) => output.progress(`mutants ${done}/${total}`))),
    ...(await runPartMutants(metricsCases(), METRICS_MUTANTS)),
    ...(await runPartMutants(preprocessingCases(), [...PREPROCESSING_MUTANTS, ...pictures])),
  ];
  const rows = outcomes.map(({ name, mistake, killedBy }) => [killedBy ?? "SURVIVES", name, mistake]);
  output.print(`\n${formatTable(["killed by", "mutant", "mistake"], rows)}\n`);
  const { killed, total } = mutantsJson(outcomes);
  output.print(`${killed} of ${total} mutants killed`);
  return outcomes;
}
