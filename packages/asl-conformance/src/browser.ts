/** What runs in a browser: fixtures come over HTTP, and reports are strings. Loads nothing of Node.js. */
export { ONNX_DEVIATIONS, WEBGPU_DEVIATIONS } from "./command/deviations.js";
export { htmlReport } from "./command/html.js";
export { type Summary, summaryOf } from "./command/summary.js";
export { totalsOf } from "./command/totals.js";
export { exactPrograms } from "./exact-programs.js";
export type { Fixture, FixtureFileJson } from "./fixture.js";
export { fixturesOfFile } from "./fixture-file.js";
export { permitting } from "./permitted.js";
export { type CaseOutcome, type Deviation, explain, type Report } from "./report.js";
export { type ConformanceOptions, isAccepted, runConformance } from "./run.js";
export { SESSION_CASES } from "./session-cases.js";
