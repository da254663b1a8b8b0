import type { Backend } from "asl-core";
import { describe, expect, it } from "vitest";
import type { Fixture } from "./fixture.js";
import { loadFixtures } from "./load.js";
import { loadNetworks } from "./networks/load-networks.js";
import type { NetworkFixture } from "./networks/network-fixture.js";
import { runNetworkCase } from "./networks/run-network.js";
import { type Metrics, metricsCases } from "./parts/metrics.js";
import { type PartCase, runPartCase } from "./parts/part.js";
import { type Preprocessing, preprocessingCases } from "./parts/preprocessing.js";
import { type Deviation, explain } from "./report.js";
import { isAccepted, runCase, runSessionCase } from "./run.js";
import { SESSION_CASES } from "./session-cases.js";

export interface ConformanceTestOptions {
  /** Cases that the backend is known to fail; one that starts passing fails. */
  readonly deviations?: readonly Deviation[];
  /** Default: every file of fixtures; add `exactFixtures()` for a backend that computes in float32. */
  readonly fixtures?: readonly Fixture[];
  /** Default: every network of fixtures. */
  readonly networks?: readonly NetworkFixture[];
}

/** Declares one vitest test for each fixture, under a `describe` with the backend's name. */
export function conformance(backend: Backend, options: ConformanceTestOptions = {}): void {
  const { deviations = [], fixtures = loadFixtures(), networks = loadNetworks() } = options;
  const reasons = new Map(deviations.map((deviation) => [deviation.case, deviation.reason]));
  describe(`${backend.name} conforms`, () => {
    it.each(fixtures)("$name", async (fixture) => {
      const outcome = await runCase(backend, fixture, reasons.get(fixture.name));
      if (!isAccepted(outcome)) expect.fail(explain(outcome));
    });
    it.each(SESSION_CASES)("$name", async (each) => {
      const outcome = await runSessionCase(backend, each, reasons.get(each.name));
      if (!isAccepted(outcome)) expect.fail(explain(outcome));
    });
    // a training run takes two minutes where a GPU is emulated
    it.each(networks)("$name", { timeout: 600_000 }, async (each) => {
      const outcome = await runNetworkCase(backend, each, reasons.get(each.name));
      if (!isAccepted(outcome)) expect.fail(explain(outcome));
    });
    it("declares deviations of cases that exist only", () => {
      const names = new Set([...fixtures, ...SESSION_CASES, ...networks].map(({ name }) => name));
      expect([...reasons.keys()].filter((name) => !names.has(name))).toEqual([]);
    });
  });
}

/** One vitest test for each case of fixtures/metrics whose function the implementation has. */
export function metricsConformance(name: string, metrics: Partial<Metrics>, deviations: readonly Deviation[] = []) {
  partConformance(`metrics of ${name}`, metrics, metricsCases(), deviations);
}

/** One vitest test for each case of fixtures/preprocess whose function the implementation has. */
export function preprocessingConformance(
  name: string,
  preprocessing: Partial<Preprocessing>,
  deviations: readonly Deviation[] = [],
) {
  partConformance(`preprocessing of ${name}`, preprocessing, preprocessingCases(), deviations);
}

function partConformance<I>(
  title: string,
  implementation: Partial<I>,
  cases: readonly PartCase<I>[],
  deviations: readonly Deviation[],
): void {
  const able = cases.filter(({ calls }) => typeof implementation[calls] === "function");
  const reasons = new Map(deviations.map((deviation) => [deviation.case, deviation.reason]));
  describe(`${title} conforms`, () => {
    it("has functions of the names that the cases call", () => {
      expect(able.length, `none of ${[...new Set(cases.map(({ calls }) => calls))].join(", ")}`).toBeGreaterThan(0);
    });
    it.each(able.map((each) => [each.name, each] as const))("%s", { timeout: 60_000 }, async (name, each) => {
      const outcome = await runPartCase(implementation as I, each, reasons.get(name));
      if (!isAccepted(outcome)) expect.fail(explain(outcome));
    });
    it("declares deviations of cases that exist only", () => {
      const names = new Set(able.map(({ name }) => name));
      expect([...reasons.keys()].filter((name) => !names.has(name))).toEqual([]);
    });
  });
}
