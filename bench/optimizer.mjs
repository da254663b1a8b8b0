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
import { nodeRuntime } from "../packages/asl-onnx/dist/runtime/node-runtime.js";
import { takesSharedMemory } from "../packages/asl-onnx/dist/runtime/shared-memory.js";
import { InPlaceUpdates } from "../packages/asl-onnx/dist/runtime/update.js";
import { workerThreads } from "../packages/asl-onnx/dist/threads/worker-threads.js";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";

const FLOAT_BYTES = 4;
/** Parameter, two averages of Adam, gradient and moving average are read; all but the gradient are written. */
const [READ, WRITTEN] = [5, 4];
const WEIGHT_DECAY = 1e-4;

const THREADS = [1, 2];

/** Rows {name, ours, peer, ratio, runs, note}; seconds, medians of runs in turn. */
export async function run({ runs, only, report }) {
  const program = adamProgram();
  const { parameters } = program;
  const count = parameters.reduce((sum, size) => sum + size, 0);
  const bytes = (READ + WRITTEN) * FLOAT_BYTES * count;
  const sides = [];
  let library = "";
  try {
    report(`${(count / 1e6).toFixed(1)} M parameters in ${parameters.length} tensors ...`);
    for (const threads of THREADS) {
      const peer = openPeer("optimizer.py", { threads });
      const side = { threads, peer, ours: await openUpdate(program, threads) };
      sides.push(side);
      side.stream = await openUpdate(streamProgram(count), threads);
      const request = { task: "prepare", sizes: parameters, weightDecay: WEIGHT_DECAY, threads };
      const { version, adam } = await peer.ask(request);
      library = `PyTorch ${version}, ${adam} Adam`;
    }
    const measured = sides.map(() => ({ ours: [], cores: [], stream: [], adam: [], memory: [] }));
    for (let i = -3; i < 5 * runs; i++) {
      for (const [j, { peer, ours, stream }] of sides.entries()) {
        const step = {
          ...timedWithCores(ours.step),
          stream: timedWithCores(stream.step).ours,
          adam: (await peer.ask({ task: "step" })).seconds,
          memory: (await peer.ask({ task: "stream" })).seconds,
        };
        if (i >= 0) for (const [name, seconds] of Object.entries(step)) measured[j][name].push(seconds);
      }
    }
    const rows = sides.flatMap(({ threads }, i) => rowsOf({ threads, times: measured[i], bytes, library }));
    const trailer = await whoTakesSharedMemory();
    return { parameters: count, bytes, rows: rows.filter(({ name }) => name.includes(only)), trailer };
  } finally {
    for (const { peer, ours, stream } of sides) {
      await Promise.all([peer.close(), ours.release(), stream?.release()]);
    }
  }
}

function rowsOf({ threads, times, bytes, library }) {
  const mix = `${READ} arrays read, ${WRITTEN} written`;
  const rate = (seconds) => `${(bytes / seconds / 1e9).toFixed(1)} GB/s`;
  const fastest = (name) => Math.min(...times[name]);
  const rowOf = (name, peer, note) => {
    const [a, b] = [median(times.ours), median(times[peer])];
    const inMs = ["ours", peer].map((each) => (1000 * fastest(each)).toFixed(1)).join(" / ");
    const ratio = (fastest("ours") / fastest(peer)).toFixed(2);
    return {
      name: `Adam + EMA / ${name}, ${threads} thread${threads === 1 ? "" : "s"}`,
      ours: a,
      peer: b,
      ratio: a / b,
      runs: times.ours.length,
      note: `${note(b)}; fastest ${inMs} ms, ${ratio}; ours on ${median(times.cores).toFixed(1)} cores`,
    };
  };
  return [
    rowOf("memory", "memory", (t) => `PyTorch's in-place operations, ${mix}: ${rate(t)}`),
    rowOf("memory by WebAssembly", "stream", (t) => `our loops, ${mix}: ${rate(t)}`),
    rowOf("PyTorch", "adam", () => library),
  ];
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

/** Runs the update as a session does after the graph. */
async function openUpdate({ state: spec, program, feeds }, threads) {
  const updates = new InPlaceUpdates(spec, { step: program });
  const { release } = await updates.start(workerThreads(threads));
  const { state } = updates;
  const update = updates.programs.get("step");
  const { graph } = update.partition;
  const random = createRandom(0, "optimizer bench");
  const noise = Float32Array.from({ length: 1 << 20 }, () => random.uniform());
  const tensors = [...update.staged.values(), ...Object.keys(spec).map((name) => state.get(name))];
  for (const { data } of tensors) {
    for (let start = 0; start < data.length; start += noise.length) {
      data.set(noise.subarray(0, Math.min(noise.length, data.length - start)), start);
    }
  }
  const results = Object.fromEntries(
    Object.entries(graph.outputs).map(([name, id]) => {
      const type = graph.types[id];
      return [name, { type, data: update.staged.has(name) ? undefined : new Float32Array(sizeOf(type.shape)) }];
    }),
  );
  return { step: () => update.run(state, feeds, results), release };
}

/** Seconds, and how many cores were given to this process meanwhile: fewer than threads where others want them too. */
function timedWithCores(step) {
  const [used, start] = [process.cpuUsage(), performance.now()];
  step();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  return { ours: seconds, cores: (user + system) / 1e6 / seconds };
}

/** Where more than one thread may do it. */
async function whoTakesSharedMemory() {
  const answers = ["node", "c"].map(async (binding) => {
    const what = `binding "${binding}" of onnxruntime-node`;
    try {
      const takes = await takesSharedMemory(await nodeRuntime({ binding }));
      return `${what} ${takes ? "takes" : "refuses"} memory that threads share`;
    } catch ({ message }) {
      return `${what} cannot be had: ${message}`;
    }
  });
  return (await Promise.all(answers)).join("; ");
}
