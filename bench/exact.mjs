// What does the loss with portable bits cost beside the native one? Loss and gradient on onnxruntime-node, interleaved.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
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

/** Rows {name, ours: exact, peer: native, ratio, runs}; medians in seconds. */
export async function run({ runs, only, threads, report }) {
  const rows = [];
  for (const shape of SHAPES) {
    for (const { name, ...options } of OPTIONS) {
      const title = `loss + gradient ${shape.join(" x ")}, ${name}`;
      if (!title.includes(only)) continue;
      report(`${title} ...`);
      rows.push({ name: title, ...(await measure(shape, options, { runs: runs * 5, threads })) });
    }
  }
  return { rows };
}

async function measure(shape, options, { runs, threads }) {
  const feeds = randomBatch(shape);
  const sessions = {
    ours: await compile(exactAsymmetricLossOptimized, shape, options, threads),
    peer: await compile(asymmetricLossOptimized, shape, options, threads),
  };
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      only: { type: "string", default: "" },
      threads: { type: "string", default: "2" },
    },
  });
  const report = (line) => console.error(line);
  const { rows } = await run({ ...values, runs: Number(values.runs), threads: Number(values.threads), report });
  console.log(formatTable(rows));
}
