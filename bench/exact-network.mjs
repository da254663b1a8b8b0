#!/usr/bin/env node
// What does a TResNet with the same bits on every backend cost beside the native one? Inference, interleaved.
// node bench/exact-network.mjs [--backend onnx,tfjs-wasm] [--variant tresnet_m] [--size 224] [--batch 1] [--runs 5]
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { createRandom, evaluateProgram, f32, initialize, optimize, TRESNETS, tresnet, tresnetConfig } from "asl-core";
import { evaluateNode } from "asl-reference";
import { formatTable, median } from "./table.mjs";

const BACKENDS = {
  onnx: async ({ threads }) => (await import("asl-onnx/node")).onnxNodeBackend({ threads }),
  "tfjs-cpu": async () => (await import("asl-tfjs/cpu")).tfjsCpuBackend(),
  "tfjs-wasm": async () => (await import("asl-tfjs/wasm")).tfjsWasmBackend(),
  "tfjs-node": async () => (await import("asl-tfjs/node")).tfjsNodeBackend(),
};
const SIDES = { ours: "exact", peer: "native" };

const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "onnx" },
    variant: { type: "string", default: "tresnet_m" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "1" },
    runs: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const names = values.backend.split(",");
const unknown = names.find((name) => !(name in BACKENDS));
if (unknown !== undefined || !(values.variant in TRESNETS)) {
  const [what, found, known] =
    unknown === undefined ? ["variant", values.variant, TRESNETS] : ["backend", unknown, BACKENDS];
  console.error(`exact-network: no ${what} is called "${found}"; there are ${Object.keys(known).join(", ")}`);
  process.exit(2);
}
const shape = { batchSize: Number(values.batch), imageSize: Number(values.size) };
const rows = [];
for (const name of names) rows.push(await measure(name));
console.log(`${formatTable(rows)}\n\nours: exact; peer: native; medians of interleaved runs`);

async function measure(name) {
  const config = tresnetConfig(values.variant, { classes: 80 });
  const images = randomImages();
  const state = initialize(tresnet(config).state, 1);
  const sessions = {};
  for (const [side, numerics] of Object.entries(SIDES)) {
    const program = evaluateProgram({ model: tresnet(config, { numerics }), ...shape });
    const graph = optimize(program.graph, { evaluate: evaluateNode });
    const backend = await BACKENDS[name]({ threads: Number(values.threads) });
    sessions[side] = await backend.compile(tresnet(config).state, { evaluate: { ...program, graph } });
    await sessions[side].write(state);
  }
  const times = { ours: [], peer: [] };
  let bits = "";
  for (let i = -1; i < Number(values.runs); i++) {
    for (const [side, session] of Object.entries(sessions)) {
      const start = performance.now();
      const { logits } = await session.run("evaluate", { images });
      if (i >= 0) times[side].push((performance.now() - start) / 1000);
      if (side === "ours") bits = createHash("sha256").update(new Uint8Array(logits.data.buffer)).digest("hex");
    }
  }
  for (const session of Object.values(sessions)) await session[Symbol.asyncDispose]();
  const [ours, peer] = [median(times.ours), median(times.peer)];
  const title = `${name}: ${values.variant}, ${shape.batchSize} x ${shape.imageSize} px`;
  return { name: title, ours, peer, ratio: ours / peer, runs: values.runs, note: `logits ${bits.slice(0, 16)}` };
}

function randomImages() {
  const random = createRandom(1, "exact network bench");
  const extents = [shape.batchSize, 3, shape.imageSize, shape.imageSize];
  const size = extents.reduce((product, extent) => product * extent);
  return f32(
    extents,
    Float32Array.from({ length: size }, () => random.uniform()),
  );
}
