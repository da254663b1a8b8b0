import {
  type Deviation,
  exactPrograms,
  type Fixture,
  type FixtureFileJson,
  fixturesOfFile,
  htmlReport,
  isAccepted,
  ONNX_DEVIATIONS,
  permitting,
  runConformance,
  summaryOf,
  WEBGPU_DEVIATIONS,
} from "asl-conformance/browser";
import { expose } from "comlink";
import { openBackend } from "./backends.js";
import type { ConformanceWorker } from "./conformance-protocol.js";
import type { BackendName } from "./protocol.js";

const DEVIATIONS: Readonly<Record<BackendName, readonly Deviation[]>> = {
  webgpu: WEBGPU_DEVIATIONS,
  wasm: ONNX_DEVIATIONS,
};

/** Milliseconds between two messages to the page. */
const INTERVAL = 100;

const worker: ConformanceWorker = {
  async check(name, files, onProgress) {
    const { backend, device } = await openBackend(name);
    const fixtures = [...(await fetchFixtures(files)), ...exactPrograms()];
    let failed = 0;
    let last = 0;
    const measured = await runConformance(backend, {
      fixtures,
      onCase(outcome, done, total) {
        const isPermitted = DEVIATIONS[name].some((deviation) => deviation.case === outcome.case);
        if (!isAccepted(outcome) && !isPermitted) failed += 1;
        if (done < total && performance.now() - last < INTERVAL) return;
        last = performance.now();
        onProgress({ done, total, failed });
      },
    });
    const report = permitting({ ...measured, backend: `${name} (${device})` }, DEVIATIONS[name]);
    const { seconds } = report;
    const shared = { skipped: [], mutants: undefined, seconds };
    return {
      ...{ backend: name, device, report },
      json: { device, userAgent: navigator.userAgent, ...summaryOf({ ...shared, reports: [report] }) },
      html: htmlReport({ ...shared, columns: [{ family: name, reports: [report] }] }),
    };
  },
};

async function fetchFixtures(files: readonly (readonly [string, string])[]): Promise<readonly Fixture[]> {
  const parsed = await Promise.all(
    files.map(async ([name, url]) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${name} could not be fetched (${response.status} ${response.statusText})`);
      return fixturesOfFile(name, (await response.json()) as FixtureFileJson);
    }),
  );
  return parsed.flat();
}

expose(worker);
