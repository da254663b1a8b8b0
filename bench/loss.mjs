// How long do the multi-label loss and its gradient take at the size of Open Images, against PyTorch's
// AsymmetricLossOptimized on the same cores? And inside a training step, where they are a part of one ONNX graph?
import { setTimeout } from "node:timers/promises";
import {
  adamFeeds,
  asymmetricLossOptimized,
  Builder,
  createRandom,
  emaFeeds,
  exactAsymmetricLossOptimized,
  f32,
  grad,
  initialize,
  mul,
  optimize,
  reduceSum,
  sub,
  trainingState,
  trainProgram,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluateNode } from "asl-reference";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";

const SHAPE = [64, 9605];

const LOSSES = [
  { name: "hard targets, gammas 4 and 1", gammaNeg: 4, gammaPos: 1, detach: false },
  { name: "hard targets, gammas 4 and 0, detached", gammaNeg: 4, gammaPos: 0, detach: true },
];
const CLIP = 0.05;
/** Milliseconds after each run: OpenMP's and ONNX Runtime's threads stay awake for a while, on the cores of whoever is next. */
const PAUSE = 20;

const NUMERICS = { exact: exactAsymmetricLossOptimized, native: asymmetricLossOptimized };

/** Rows from host arrays to host arrays; seconds, medians of runs in turn. A run is short, so there are 5 for each asked. */
export async function run({ runs, only, threads, report }) {
  const rows = [];
  for (const options of LOSSES) {
    const chosen = Object.keys(NUMERICS).filter((numerics) => titleOf(numerics, options).includes(only));
    if (chosen.length === 0) continue;
    report(`loss + gradient, ${options.name} ...`);
    rows.push(...(await measure(chosen, options, { runs: 5 * runs, threads })));
  }
  for (const options of LOSSES.filter((each) => stepTitleOf(each).includes(only))) {
    report(`${stepTitleOf(options)} ...`);
    rows.push(await measureStep(options, { runs: 2 * runs, threads }));
  }
  return { rows };
}

const titleOf = (numerics, { name }) => `${numerics} loss + gradient ${SHAPE.join(" x ")}, ${name}`;

async function measure(chosen, options, { runs, threads }) {
  const feeds = randomBatch();
  const sessions = {};
  for (const numerics of chosen) sessions[numerics] = await open(lossGraph(NUMERICS[numerics], options), threads);
  const peer = openPeer("loss.py", { threads });
  const times = { peer: [], ...Object.fromEntries(chosen.map((numerics) => [numerics, []])) };
  try {
    const { gammaNeg, gammaPos, detach } = options;
    const request = { task: "prepare", shape: SHAPE, gammaNeg, gammaPos, clip: CLIP, detach, threads };
    const { version } = await peer.ask(request);
    for (let i = -5; i < runs; i++) {
      for (const numerics of chosen) {
        const start = performance.now();
        await sessions[numerics].run("step", feeds);
        if (i >= 0) times[numerics].push((performance.now() - start) / 1000);
        await setTimeout(PAUSE);
      }
      const { seconds } = await peer.ask({ task: "step" });
      await setTimeout(PAUSE);
      if (i >= 0) times.peer.push(seconds);
    }
    const theirs = median(times.peer);
    return chosen.map((numerics) => {
      const ours = median(times[numerics]);
      const fastest = [times[numerics], times.peer].map((each) => (1000 * Math.min(...each)).toFixed(1)).join(" / ");
      const note = `PyTorch ${version}, ${threads} threads; fastest ${fastest} ms`;
      return { name: titleOf(numerics, options), ours, peer: theirs, ratio: ours / theirs, runs, note };
    });
  } finally {
    peer.close();
    for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  }
}

const stepTitleOf = ({ name }) => `in a training graph, exact / native loss, ${SHAPE.join(" x ")}, ${name}`;

/**
 * Whole steps of a small network with many classes (forward, loss, backward, Adam, moving average). What a loss takes is
 * the difference to the step with half the squared error, which is three passes.
 */
async function measureStep({ gammaNeg, gammaPos, detach, ...options }, { runs, threads }) {
  const [batchSize, classes] = SHAPE;
  const imageSize = 32;
  const config = { classes, blocks: [1, 1, 1, 1], widthFactor: 0.125 };
  const model = tresnet(tresnetConfig("tresnet_m", config));
  const state = trainingState(model);
  const own = { gammaNeg, gammaPos, clip: CLIP, detachFocusingWeight: detach, targets: "hard" };
  const losses = {
    exact: (x, y) => exactAsymmetricLossOptimized(x, y, own),
    native: (x, y) => asymmetricLossOptimized(x, y, own),
    squares: (x, y) => mul(reduceSum(mul(sub(x, y), sub(x, y))), 0.5),
  };
  const random = createRandom(2, "loss bench");
  const shape = [batchSize, 3, imageSize, imageSize];
  const pixels = Float32Array.from({ length: batchSize * 3 * imageSize ** 2 }, () => random.uniform());
  const feeds = {
    images: f32(shape, pixels),
    targets: randomBatch().targets,
    ...adamFeeds({ learningRate: 1e-5, beta1: 0.9, step: 1 }),
    ...emaFeeds(0.9997),
  };
  const sessions = {};
  const times = {};
  try {
    for (const [name, loss] of Object.entries(losses)) {
      const program = trainProgram({ model, batchSize, imageSize, loss });
      const graph = optimize(program.graph, { evaluate: evaluateNode });
      sessions[name] = await onnxNodeBackend({ threads }).compile(state, { step: { ...program, graph } });
      await sessions[name].write(initialize(state, 0));
      times[name] = [];
    }
    for (let i = -2; i < runs; i++) {
      for (const [name, session] of Object.entries(sessions)) {
        const start = performance.now();
        await session.run("step", feeds);
        if (i >= 0) times[name].push((performance.now() - start) / 1000);
      }
    }
  } finally {
    for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  }
  const [ours, peer, rest] = ["exact", "native", "squares"].map((name) => median(times[name]));
  const part = (seconds) => `${(1000 * (seconds - rest)).toFixed(1)} ms`;
  const note = `whole steps, ${threads} threads; of that the loss: ${part(ours)} exact, ${part(peer)} native`;
  return { name: stepTitleOf(options), ours, peer, ratio: ours / peer, runs, note };
}

const open = (graph, threads) =>
  onnxNodeBackend({ threads }).compile({}, { step: { graph, reads: {}, writes: {}, finite: ["loss"] } });

function lossGraph(lossOf, { gammaNeg, gammaPos, detach }) {
  const builder = new Builder();
  const [logits, targets] = ["logits", "targets"].map((name) => builder.input(name, { dtype: "f32", shape: SHAPE }));
  const options = { gammaNeg, gammaPos, clip: CLIP, detachFocusingWeight: detach, targets: "hard" };
  const loss = lossOf(logits, targets, options);
  const [gradient] = grad(loss, [logits]);
  return optimize(builder.finish({ loss, gradient }), { evaluate: evaluateNode });
}

function randomBatch() {
  const random = createRandom(1, "loss bench");
  const fill = (draw) => f32(SHAPE, Float32Array.from({ length: SHAPE[0] * SHAPE[1] }, draw));
  return { logits: fill(() => random.between(-8, 4)), targets: fill(() => Number(random.chance(0.04))) };
}
