export { errorBounds, isDetermined } from "./bounds.js";
export { type Comparison, compareBits, compareBounded, compareRelative, type Difference } from "./compare.js";
export { COMPOSITES, type Composite, type CompositeName, compositeGraph } from "./composites.js";
export type { Bounded } from "./error-rules.js";
export { exactFixtures } from "./exact-fixtures.js";
export { exactPrograms } from "./exact-programs.js";
export {
  type CaseKind,
  type Fixture,
  type FixtureCaseJson,
  type FixtureFileJson,
  type FixtureKind,
  fixturesFromJson,
  type Provenance,
  TIERS,
  type Tier,
} from "./fixture.js";
export { fixturesFolder, loadFixtures } from "./load.js";
export { METRICS_MUTANTS } from "./mutants/metrics.js";
export { type Mutant, wrongComposite, wrongElement, wrongNodes, wrongOp } from "./mutants/mutant.js";
export { MUTANTS, type MutantOutcome, runMutants } from "./mutants/mutants.js";
export { type PartMutant, runPartMutants } from "./mutants/part-mutant.js";
export { pictureMutants } from "./mutants/pictures.js";
export { PREPROCESSING_MUTANTS } from "./mutants/preprocessing.js";
export { loadNetworks } from "./networks/load-networks.js";
export type {
  Expectation,
  NetworkCaseJson,
  NetworkFileJson,
  NetworkFixture,
  TensorReference,
} from "./networks/network-fixture.js";
export { runNetworkCase } from "./networks/run-network.js";
export { type OfficialLossCase, officialLosses, officialLossGraph } from "./official-losses.js";
export { type Metrics, metricsCases, RATE_NAMES, type RateName } from "./parts/metrics.js";
export { type PartCase, type PartReport, type PartRun, runPart, runPartCase } from "./parts/part.js";
export type { PartName } from "./parts/part-name.js";
export type { Picture } from "./parts/picture.js";
export {
  type AffineMatrix,
  type AugmentOperation,
  type Drawing,
  type Preprocessing,
  preprocessingCases,
  type ResizeFilter,
} from "./parts/preprocessing.js";
export { PROBE_NAMES, PROBES, type ProbeName, type Probes, probe } from "./probes.js";
export { type CaseOutcome, type Deviation, explain, type Report, type Status } from "./report.js";
export { type ConformanceOptions, isAccepted, runCase, runConformance, runGraph, runSessionCase } from "./run.js";
export { SESSION_CASES, type SessionCase } from "./session-cases.js";
export { tensorFromJson, tensorToJson } from "./tensor-json.js";
