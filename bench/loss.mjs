// How long do the multi-label loss and its gradient take at the size of Open Images, against PyTorch's
// AsymmetricLossOptimized on the same cores?
import {
  asymmetricLossOptimized,
  Builder,
  createRandom,
  exactAsymmetricLossOptimized,
  f32,
  grad,
  optimize,
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
      }
      const { seconds } = await peer.ask({ task: "step" });
      if (i >= 0) times.peer.push(seconds);
    }
    const theirs = median(times.peer);
    return chosen.map((numerics) => {
      const ours = median(times[numerics]);
      const note = `AsymmetricLossOptimized of PyTorch ${version}, ${threads} threads`;
      return { name: titleOf(numerics, options), ours, peer: theirs, ratio: ours / theirs, runs, note };
    });
  } finally {
    peer.close();
    for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  }
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
