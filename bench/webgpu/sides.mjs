import { fileURLToPath } from "node:url";
import { Hosts } from "asl-conformance/hosts";
import { median } from "../table.mjs";
import { processorSeconds } from "./processes.mjs";

const GUESTS = { ours: "ours.mjs", tfjs: "tfjs.mjs", ort: "onnxruntime.mjs" };
export const PEERS = { tfjs: "TensorFlow.js", ort: "ONNX Runtime Web" };

/** The same adapter for all: each side in a page of its own of one Chromium, on SwiftShader. */
export async function openSides() {
  const hosts = new Hosts();
  const sides = {};
  for (const [side, file] of Object.entries(GUESTS)) {
    sides[side] = await hosts.chromium({ specifier: fileURLToPath(new URL(file, import.meta.url)) });
  }
  return { sides, close: () => hosts[Symbol.asyncDispose]() };
}

/** The timed runs of one program end with the round in which they have taken so long. */
const ENOUGH_SECONDS = 120;

/**
 * Runs one program on every side in turn. `compare(results)` gets the results of the first run by side and throws when they
 * disagree. `runs` are the rounds that there was time for. Of each side {wall, cpu, first, bufferBytes}: medians in seconds, seconds of compiling and the first run.
 */
export async function race({ sides }, { state, weights, program, feeds, runs, compare, report = () => {} }) {
  const sessions = {};
  const first = {};
  const results = {};
  const times = {};
  let bufferBytes = {};
  for (const [side, backend] of Object.entries(sides)) {
    const start = performance.now();
    sessions[side] = await backend.compile(state, { program });
    if (weights !== undefined) await sessions[side].write(weights);
    results[side] = await sessions[side].run("program", feeds);
    first[side] = (performance.now() - start) / 1000;
    times[side] = [];
    report(`${side}: compiled, first run after ${first[side].toFixed(1)} s`);
  }
  const agreement = compare(results);
  const start = performance.now();
  const isEnough = () => performance.now() - start > 1000 * ENOUGH_SECONDS;
  for (let i = 0; i < runs && !(i > 0 && isEnough()); i++) {
    for (const side of Object.keys(sides)) {
      const before = processorSeconds();
      const { seconds, bufferBytes: bytes } = await sessions[side].run("program", feeds);
      const after = processorSeconds();
      times[side].push({ wall: seconds.data[0], ...(before === undefined ? {} : { cpu: after - before }) });
      bufferBytes = { ...bufferBytes, [side]: bytes.data[0] };
      report(`${side}: ${seconds.data[0].toFixed(3)} s`);
    }
  }
  for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  const of = (side) => {
    const cpu = times[side].flatMap((time) => time.cpu ?? []);
    return {
      wall: median(times[side].map(({ wall }) => wall)),
      cpu: cpu.length === 0 ? undefined : median(cpu),
      first: first[side],
      bufferBytes: bufferBytes[side],
    };
  };
  return {
    agreement,
    runs: times.ours.length,
    ...Object.fromEntries(Object.keys(sides).map((side) => [side, of(side)])),
  };
}

/** Rows {name, ours, peer, ratio, runs, note}, one for each peer. */
export function rowsOf(name, { ours, runs, ...others }, noteOf) {
  return Object.keys(PEERS).map((peer) => {
    const theirs = others[peer];
    const cpuRatio = ours.cpu === undefined ? undefined : ours.cpu / theirs.cpu;
    const cpu = cpuRatio === undefined ? "" : `processor time ratio ${cpuRatio.toFixed(2)}`;
    return {
      name: `${name} / ${peer}`,
      ours: ours.wall,
      peer: theirs.wall,
      ratio: ours.wall / theirs.wall,
      runs,
      note: [cpu, noteOf?.(peer)].filter(Boolean).join("; "),
      cpuRatio,
      first: { ours: ours.first, peer: theirs.first },
      bufferBytes: { ours: ours.bufferBytes, peer: theirs.bufferBytes },
    };
  });
}
