// What do the exact functions and losses cost beside the native ones, and how accurate are they? Each function on every
// backend (exact-costs.mjs); then loss and gradient at the size of two datasets, and a training step of the demo's net, on
// onnxruntime-node, interleaved.
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
  optimize,
  tresnet,
  tresnetConfig,
} from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { evaluateNode } from "asl-reference";
import { resolveRecipe, trainingPrograms } from "asl-training";
import { formatFunctions, measureFunctions } from "./exact-costs.mjs";
import { formatTable, median } from "./table.mjs";

const SHAPES = [
  [64, 80],
  [64, 9605],
];
const OPTIONS = [
  { name: "hard targets, gammas 4 and 1", targets: "hard" },
  { name: "hard targets, gammas 4 and 0, detached", targets: "hard", gammaPos: 0, detachFocusingWeight: true },
  { name: "soft targets, gammas 4 and 1" },
];

/**
 * Rows {name, ours: exact, peer: native, ratio, runs}; seconds, medians where nothing else is said. `backend`: names with commas between; `browser`
 * adds those in Chromium; `elements` of each function.
 */
export async function run({ runs, only, threads, report, elements = 1 << 14, browser = false, backend }) {
  const functions = await measureFunctions({ runs, only, report, elements, browser, backend });
  const losses = backend === undefined ? await measureLosses({ runs, only, threads, report }) : [];
  const parts = [
    functions.accuracy.length === 0 ? "" : formatFunctions(functions),
    losses.length === 0 ? "" : formatTable(losses),
  ].filter((text) => text !== "");
  return { elements, accuracy: functions.accuracy, rows: [...functions.rows, ...losses], text: parts.join("\n\n") };
}

async function measureLosses({ runs, only, threads, report }) {
  const rows = [];
  for (const shape of SHAPES) {
    for (const { name, ...options } of OPTIONS) {
      const title = `loss + gradient ${shape.join(" x ")}, ${name}`;
      if (!title.includes(only)) continue;
      report(`${title} ...`);
      rows.push({ name: title, ...(await measure(shape, options, { runs: runs * 5, threads })) });
    }
  }
  const title = "training step of the demo's net, batch 64 x 20 classes";
  if (title.includes(only)) {
    report(`${title} ...`);
    rows.push({ name: title, ...(await measureStep({ runs: runs * 5, threads })) });
  }
  return rows;
}

/** A whole step of `train`: network forward and backward, loss, Adam, moving average. */
async function measureStep({ runs, threads }) {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 20, blocks: [2, 2, 2, 1], widthFactor: 0.5 }));
  const shape = { batchSize: 64, imageSize: 64 };
  const open = async (lossNumerics) => {
    const recipe = resolveRecipe({ epochs: 1, lossNumerics });
    const { state, programs } = trainingPrograms(model, recipe, shape);
    const session = await onnxNodeBackend({ threads }).compile(state, { step: programs.train });
    await session.write(initialize(state, 0));
    return session;
  };
  const { targets } = randomBatch([64, 20]);
  const random = createRandom(2, "exact bench");
  const pixels = Float32Array.from({ length: 64 * 3 * 64 * 64 }, () => random.uniform());
  const feeds = {
    images: f32([64, 3, 64, 64], pixels),
    targets,
    ...adamFeeds({ learningRate: 1e-4, beta1: 0.9, step: 1 }),
    ...emaFeeds(0.9997),
  };
  return await interleave({ ours: await open("exact"), peer: await open("native") }, feeds, { runs, threads });
}

async function measure(shape, options, { runs, threads }) {
  const feeds = randomBatch(shape);
  const sessions = {
    ours: await compile(exactAsymmetricLossOptimized, shape, options, threads),
    peer: await compile(asymmetricLossOptimized, shape, options, threads),
  };
  return await interleave(sessions, feeds, { runs, threads });
}

async function interleave(sessions, feeds, { runs, threads }) {
  const times = { ours: [], peer: [] };
  for (let i = -2; i < runs; i++) {
    for (const [side, session] of Object.entries(sessions)) {
      const start = performance.now();
      await session.run("step", feeds);
      if (i >= 0) times[side].push((performance.now() - start) / 1000);
    }
  }
  for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  const [ours, peer] = [median(times.ours), median(times.peer)];
  return { ours, peer, ratio: ours / peer, runs, note: `peer: native exp and log, ${threads} thread(s)` };
}

async function compile(lossOf, shape, options, threads) {
  const builder = new Builder();
  const [logits, targets] = ["logits", "targets"].map((name) => builder.input(name, { dtype: "f32", shape }));
  const loss = lossOf(logits, targets, options);
  const [gradient] = grad(loss, [logits]);
  const graph = optimize(builder.finish({ loss, gradient }), { evaluate: evaluateNode });
  return await onnxNodeBackend({ threads }).compile({}, { step: { graph, reads: {}, writes: {}, finite: [] } });
}

function randomBatch(shape) {
  const random = createRandom(1, "exact bench");
  const size = shape[0] * shape[1];
  return {
    logits: f32(
      shape,
      Float32Array.from({ length: size }, () => random.between(-8, 4)),
    ),
    targets: f32(
      shape,
      Float32Array.from({ length: size }, () => Number(random.chance(0.04))),
    ),
  };
}
