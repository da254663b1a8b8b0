// Accuracy of the exact functions, and on every backend: which bits differ, and the time beside the native ones.
import { createHash } from "node:crypto";
import { f32, InputError } from "asl-core";
import { evaluate } from "asl-reference";
import { candidatesOf } from "../packages/asl-conformance/dist/command/backends.js";
import { Hosts } from "../packages/asl-conformance/dist/hosts/hosts.js";
import { FUNCTIONS, graphOf, inputsOf, ulpsBetween } from "./exact-functions.mjs";
import { median } from "./table.mjs";

const IN_NODE = ["reference-f32", "onnx", "onnx-web", "tfjs-cpu", "tfjs-wasm", "tfjs-node", "webgpu"];
const IN_CHROMIUM = ["onnx-web-chromium", "tfjs-webgl", "tfjs-webgpu"];
/** A slow pair is measured at least 3 times, and no longer than 10 s; a fast one for a second. */
const [LEAST_RUNS, MOST_SECONDS, LEAST_SECONDS, MOST_RUNS] = [3, 10, 1, 200];

/** {rows, accuracy}: rows {name, backend, function, ours: exact, peer: native, ratio, runs, differing}; fastest runs. */
export async function measureFunctions({ runs, only, report, elements, browser, backend }) {
  if (!(Number.isInteger(elements / 128) && elements > 0)) {
    throw new InputError(`--elements must be a multiple of 128; got ${elements}`);
  }
  const names = backend?.split(",") ?? [...IN_NODE, ...(browser ? IN_CHROMIUM : [])];
  candidatesOf(names);
  const chosen = FUNCTIONS.filter(({ name }) => name.includes(only));
  const problems = chosen.map((each) => problemOf(each, elements));
  const rows = [];
  const hosts = new Hosts();
  try {
    for (const name of problems.length === 0 ? [] : names) {
      rows.push(...(await measureBackend(name, problems, hosts, { runs, report })));
    }
  } finally {
    await hosts[Symbol.asyncDispose]();
  }
  return { rows, accuracy: problems.map(({ name, accuracy, sha256 }) => ({ name, elements, accuracy, sha256 })) };
}

/** No rows where this machine has not what the backend needs; says so. */
async function measureBackend(name, problems, hosts, { runs, report }) {
  const [candidate] = candidatesOf([name === "onnx" ? "onnx-loops" : name]);
  let opened;
  try {
    opened = await candidate.open(hosts);
    // a device that is not there shows at the first session
    await (await opened.compile({}, {}))[Symbol.asyncDispose]();
  } catch (error) {
    if (error.code !== "ERR_ASL_BACKEND") throw error;
    report(`${name} is left out: ${error.message}`);
    return [];
  }
  const rows = [];
  for (const problem of problems) {
    report(`${name}: ${problem.name} ...`);
    rows.push({ name: `${name}: ${problem.name}`, backend: name, ...(await measure(opened, problem, runs)) });
  }
  await opened[Symbol.asyncDispose]?.();
  return rows;
}

function problemOf(each, elements) {
  const shape = [elements / 128, 128];
  const inputs = inputsOf(each, elements);
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, f32(shape, data)]));
  const graphs = Object.fromEntries(
    ["exact", "native"].map((side) => [side, graphOf(each[side], shape, Object.keys(feeds))]),
  );
  const expected = evaluate(graphs.exact, feeds, { precision: "f32" });
  const truth = each.truth(inputs);
  const hash = createHash("sha256");
  for (const { data } of Object.values(expected)) hash.update(bytesOf(data));
  const accuracy = Object.entries(expected).map(([output, { data }]) => ({ output, ...errorOf(data, truth[output]) }));
  return { name: each.name, feeds, graphs, expected, truth, accuracy, sha256: hash.digest("hex") };
}

const bytesOf = (data) => new Uint8Array(Float32Array.from(data).buffer);

/** The worst error in ULP, and the share of elements that are within 1 ULP. */
function errorOf(data, truth) {
  let [worst, near] = [0, 0];
  data.forEach((value, i) => {
    const ulps = ulpsBetween(value, truth[i]);
    worst = Math.max(worst, ulps);
    if (ulps <= 1) near++;
  });
  return { worstUlps: worst, shareWithin1Ulp: near / data.length };
}

const worstOf = (data, truth) => errorOf(data, truth).worstUlps;

async function measure(backend, { name, feeds, graphs, expected, truth }, runs) {
  const sessions = {};
  for (const [side, graph] of Object.entries(graphs)) {
    sessions[side] = await backend.compile({}, { run: { graph, reads: {}, writes: {}, finite: [] } });
  }
  const times = { exact: [], native: [] };
  let [differing, nativeUlps] = [0, 0];
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const goesOn = (i) =>
    i < LEAST_RUNS || (seconds() < MOST_SECONDS && (i < runs || (seconds() < LEAST_SECONDS && i < MOST_RUNS)));
  for (let i = -1; goesOn(i); i++) {
    for (const [side, session] of Object.entries(sessions)) {
      const start = performance.now();
      const outputs = await session.run("run", feeds);
      if (i >= 0) times[side].push((performance.now() - start) / 1000);
      else if (side === "exact") differing = differingElements(outputs, expected);
      else nativeUlps = Math.max(...Object.entries(outputs).map(([output, { data }]) => worstOf(data, truth[output])));
    }
  }
  for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  // what else runs on the machine can only add to a time
  const [ours, peer] = [Math.min(...times.exact), Math.min(...times.native)];
  const medians = { ours: median(times.exact), peer: median(times.native) };
  const note = differing === 0 ? "same bits" : `${differing} ELEMENTS DIFFER`;
  return {
    function: name,
    ours,
    peer,
    ratio: ours / peer,
    runs: times.exact.length,
    note,
    medians,
    differing,
    nativeUlps,
  };
}

function differingElements(outputs, expected) {
  const words = (data) => new Uint32Array(Float32Array.from(data).buffer);
  return Object.entries(expected).reduce((count, [name, { data }]) => {
    const [actual, wanted] = [words(outputs[name].data), words(data)];
    return count + wanted.filter((bits, i) => bits !== actual[i]).length;
  }, 0);
}

/** Two Markdown tables: accuracy and bits; and ratios, one column per backend. */
export function formatFunctions({ rows, accuracy }) {
  const backends = [...new Set(rows.map(({ backend }) => backend))];
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const table = (head, body) => [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
  const errors = accuracy.map(({ name, accuracy: outputs, sha256 }) => {
    const own = rows.filter((row) => row.function === name);
    const differing = own.filter((row) => row.differing > 0).map((row) => `${row.backend}: ${row.differing}`);
    return [
      name,
      outputs.map(({ output, worstUlps }) => `${output === "y" ? "" : `${output} `}${worstUlps.toFixed(3)}`).join(", "),
      outputs.map(({ shareWithin1Ulp }) => `${(100 * shareWithin1Ulp).toFixed(2)} %`).join(", "),
      sha256.slice(0, 16),
      differing.length === 0 ? `none on ${own.length} backends` : differing.join(", "),
    ];
  });
  const byBackend = (cell) =>
    accuracy.map(({ name }) => [
      name,
      ...backends.map((backend) => {
        const row = rows.find((each) => each.backend === backend && each.function === name);
        return row === undefined ? "-" : cell(row);
      }),
    ]);
  const costs = byBackend(({ ratio, ours }) => `${ratio.toFixed(1)} (${(1000 * ours).toFixed(1)} ms)`);
  const native = byBackend(({ nativeUlps }) =>
    nativeUlps < 1e4 ? nativeUlps.toFixed(1) : nativeUlps.toExponential(0),
  );
  return [
    table(["exact function", "worst ULP", "within 1 ULP", "SHA-256 of the bits", "elements that differ"], errors),
    "Worst ULP of the native ones:",
    table(["", ...backends], native),
    `exact / native (time of the exact one), ${accuracy[0]?.elements} elements, fastest of interleaved runs:`,
    table(["", ...backends], costs),
  ].join("\n\n");
}
