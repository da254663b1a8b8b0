// How long does the optimizer's step with the moving average take over the 30 M parameters of TResNet-M, against the
// machine's memory and against PyTorch?
import {
  adamFeeds,
  add,
  asymmetricLoss,
  Builder,
  createRandom,
  emaFeeds,
  mul,
  sizeOf,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { InPlaceUpdate } from "../packages/asl-onnx/dist/runtime/update.js";
import { WasmLayout, WasmState } from "../packages/asl-onnx/dist/runtime/wasm-state.js";
import { partitionUpdates } from "../packages/asl-onnx/dist/update/partition.js";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";

const FLOAT_BYTES = 4;
/** Parameter, two averages of Adam, gradient and moving average are read; all but the gradient are written. */
const [READ, WRITTEN] = [5, 4];
const WEIGHT_DECAY = 1e-4;

/** Rows {name, ours, peer, ratio, runs, note}; seconds, medians of runs in turn. */
export async function run({ runs, only, report }) {
  const program = adamProgram();
  const ours = await openUpdate(program);
  const { parameters } = program;
  const count = parameters.reduce((sum, size) => sum + size, 0);
  const stream = await openUpdate(streamProgram(count));
  const bytes = (READ + WRITTEN) * FLOAT_BYTES * count;

  const peers = [1, 2].map((threads) => ({ threads, peer: openPeer("optimizer.py", { threads }) }));
  const times = { ours: [], stream: [], adam1: [], stream1: [], adam2: [], stream2: [] };
  let library = "";
  try {
    report(`${(count / 1e6).toFixed(1)} M parameters in ${parameters.length} tensors ...`);
    for (const { threads, peer } of peers) {
      const request = { task: "prepare", sizes: parameters, weightDecay: WEIGHT_DECAY, threads };
      const { version, adam } = await peer.ask(request);
      library = `PyTorch ${version}, ${adam} Adam`;
    }
    for (let i = -3; i < 5 * runs; i++) {
      const measured = { ours: ours(), stream: stream() };
      for (const { threads, peer } of peers) {
        measured[`adam${threads}`] = (await peer.ask({ task: "step" })).seconds;
        measured[`stream${threads}`] = (await peer.ask({ task: "stream" })).seconds;
      }
      if (i >= 0) for (const [name, seconds] of Object.entries(measured)) times[name].push(seconds);
    }
  } finally {
    for (const { peer } of peers) peer.close();
  }
  const rate = (seconds) => `${(bytes / seconds / 1e9).toFixed(1)} GB/s`;
  const mix = `${READ} arrays read, ${WRITTEN} written`;
  const rowOf = (name, peer, note) => {
    const [a, b] = [median(times.ours), median(times[peer])];
    const fastest = `fastest ${[times.ours, times[peer]].map((each) => (1000 * Math.min(...each)).toFixed(1)).join(" / ")} ms`;
    return { name, ours: a, peer: b, ratio: a / b, runs: times.ours.length, note: `${note(b)}; ${fastest}` };
  };
  const rows = [
    rowOf("Adam + EMA / memory, 1 thread", "stream1", (t) => `PyTorch's in-place operations, ${mix}: ${rate(t)}`),
    rowOf("Adam + EMA / memory, WebAssembly", "stream", (t) => `our loops, ${mix}: ${rate(t)}`),
    rowOf("Adam + EMA / memory, 2 threads", "stream2", (t) => `ours has 1 thread; ${rate(t)}`),
    rowOf("Adam + EMA / PyTorch, 1 thread", "adam1", () => library),
    rowOf("Adam + EMA / PyTorch, 2 threads", "adam2", () => `ours has 1 thread; ${library}`),
  ];
  return { parameters: count, bytes, rows: rows.filter(({ name }) => name.includes(only)) };
}

/** The step of a training run of TResNet-M; its gradients come from elsewhere. */
function adamProgram() {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 80 }));
  const loss = (logits, targets) => asymmetricLoss(logits, targets, {});
  const program = trainProgram({ model, batchSize: 1, imageSize: 64, loss, adam: { weightDecay: WEIGHT_DECAY } });
  const feeds = { ...adamFeeds({ learningRate: 1e-4, beta1: 0.9, step: 10 }), ...emaFeeds(0.9997) };
  const parameters = Object.values(model.state)
    .filter(({ role }) => role === "parameter")
    .map(({ type }) => sizeOf(type.shape));
  return { state: trainingState(model), program, feeds, parameters };
}

/** The same bytes with hardly any arithmetic, as in peers/optimizer.py. */
function streamProgram(count) {
  const builder = new Builder();
  const type = { dtype: "f32", shape: [count] };
  const gradient = builder.input("gradient", type);
  const names = ["a", "b", "c", "d"];
  const [first, ...others] = names.map((name) => builder.input(name, type));
  // what the caller gives cannot be read in place: a result of the graph can
  const computed = builder.apply("exp", [gradient], {});
  const written = [add(first, computed), ...others.map((value) => mul(value, 0.9997))];
  const outputs = Object.fromEntries(written.map((value, i) => [`next.${names[i]}`, value]));
  const own = Object.fromEntries(names.map((name) => [name, name]));
  const program = {
    graph: builder.finish(outputs),
    reads: own,
    writes: Object.fromEntries(names.map((name) => [`next.${name}`, name])),
    finite: [],
  };
  const entry = { type, role: "slot", init: { kind: "zeros" } };
  return { state: Object.fromEntries(names.map((name) => [name, entry])), program, feeds: {} };
}

/** A function that runs the update once, in seconds, as a session does after the graph. */
async function openUpdate({ state: spec, program, feeds }) {
  const layout = new WasmLayout();
  const state = new WasmState(spec, layout);
  const partition = partitionUpdates(program);
  const update = new InPlaceUpdate(program, partition, layout);
  await update.compile(layout.allocate());
  const random = createRandom(0, "optimizer bench");
  const noise = Float32Array.from({ length: 1 << 20 }, () => random.uniform());
  const tensors = [...update.staged.values(), ...Object.keys(spec).map((name) => state.get(name))];
  for (const { data } of tensors) {
    for (let start = 0; start < data.length; start += noise.length) {
      data.set(noise.subarray(0, Math.min(noise.length, data.length - start)), start);
    }
  }
  const results = Object.fromEntries(
    Object.entries(partition.graph.outputs).map(([name, id]) => {
      const type = partition.graph.types[id];
      return [name, { type, data: update.staged.has(name) ? undefined : new Float32Array(sizeOf(type.shape)) }];
    }),
  );
  return () => {
    const start = performance.now();
    update.run(state, feeds, results);
    return (performance.now() - start) / 1000;
  };
}
