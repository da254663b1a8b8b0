#!/usr/bin/env node
// npx pnpm@10 bench NAME [--json FILE] [options of the benchmark]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { formatTable } from "./table.mjs";

const BENCHMARKS = {
  tresnet: {
    summary: "training step and inference of TResNet against PyTorch, interleaved, equal threads",
    load: () => import("./tresnet.mjs"),
  },
  bindings: {
    summary: "training step and inference of TResNet-M through each of two bindings of ONNX Runtime, interleaved",
    load: () => import("./bindings.mjs"),
  },
  profile: {
    summary:
      "time of a training step and an inference by operator and shape, from ONNX Runtime's profile (--only NAME)",
    load: () => import("./profile.mjs"),
  },
  int8: {
    summary:
      "TResNet-M and -L in int8 against PyTorch eager and the float32 file; --profile: operators, rates, ceiling",
    load: () => import("./int8.mjs"),
    ownOptions: true,
  },
  "int8-accuracy": {
    summary:
      "mAP of int8 files beside float32 on emoji scenes and photographs, by calibration (trains both networks first)",
    load: () => import("./int8-accuracy.mjs"),
    ownOptions: true,
  },
  "foreign-runtimes": {
    summary: "every kind of exported file in onnxruntime-node and -web, OpenVINO, tract, OpenCV and onnx's reference",
    load: () => import("./foreign-runtimes.mjs"),
    ownOptions: true,
  },
  "checkpoints-out": {
    summary: "TResNet-M and -L exported in timm's names, loaded by timm in PyTorch: largest difference of a logit",
    load: () => import("./checkpoints-out.mjs"),
  },
  exact: {
    summary:
      "the exact functions and losses on every backend: accuracy, bits, time against the native ones (--browser)",
    load: () => import("./exact.mjs"),
  },
  loss: {
    summary: "the exact and the native loss with gradient, 64 x 9,605, against PyTorch's AsymmetricLossOptimized",
    load: () => import("./loss.mjs"),
  },
  optimizer: {
    summary: "Adam and the moving average over TResNet-M's parameters, against the memory's bandwidth and PyTorch",
    load: () => import("./optimizer.mjs"),
  },
  "open-images-labels": {
    summary: "reading the label rows of Open Images: time and memory",
    load: () => import("./open-images-labels.mjs"),
  },
  "loss-curves": {
    summary: "20 steps of the demo's training on onnx, tfjs-wasm and tfjs-node: losses side by side, bits of the first",
    load: () => import("./loss-curves.mjs"),
  },
  "open-images-map": {
    summary:
      "exact mAP of 125,456 x 9,605 scores from a file: memory, time, agreement with scikit-learn (7.5 GB of disk)",
    load: () => import("./open-images-map.mjs"),
  },
  "kill-resume": {
    summary: "training runs killed (SIGKILL) at random moments and resumed: equal final hashes (--kills N)",
    load: () => import("./kill-resume.mjs"),
  },
  "paper-losses": {
    summary: "CE, focal, ASL and adaptive ASL on emoji scenes, several seeds: mAP with intervals (about an hour)",
    load: () => import("./paper-losses.mjs"),
    ownOptions: true,
  },
  ablation: {
    summary:
      "ASL with one part of the recipe changed at a time, several seeds: mAP with intervals (about half an hour)",
    load: () => import("./ablation.mjs"),
    ownOptions: true,
  },
  "fine-tuning": {
    summary: "photographs from a backbone trained on emoji scenes and from scratch, several seeds: mAP with intervals",
    load: () => import("./fine-tuning.mjs"),
    ownOptions: true,
  },
  loader: {
    summary: "decode, resize and augment a picture at 448 px, per core, against Pillow and torchvision",
    load: () => import("./loader.mjs"),
  },
  serve: {
    summary: "the HTTP server under load: one by one, in batches, at twice what it can do, and 10,000 hostile requests",
    load: () => import("./serve.mjs"),
  },
  "cold-start": {
    summary: "infer on one picture with TResNet-L, a new process each time: to the exit, less reading the file",
    load: () => import("./cold-start.mjs"),
  },
  growth: {
    summary: "time and memory against batch and pixels, and memory over 2,000 steps in one process",
    load: () => import("./growth.mjs"),
    ownOptions: true,
  },
  webgpu: {
    summary: "forward pass of TResNet-M on WebGPU against TensorFlow.js and ONNX Runtime Web, in Chromium",
    load: () => import("./webgpu.mjs"),
  },
  "webgpu-contraction": {
    summary: "convolutions of TResNet-M and their gradients on WebGPU against TensorFlow.js and ONNX Runtime Web",
    load: () => import("./webgpu-contraction.mjs"),
  },
  "webgpu-memory": {
    summary: "memory of TResNet-M on WebGPU: planned and naive, and what memory limits cost in recomputation",
    load: () => import("./webgpu-memory.mjs"),
  },
};

const [name, ...rest] = process.argv.slice(2).filter((argument) => argument !== "--");
const benchmark = BENCHMARKS[name];
if (benchmark?.ownOptions) {
  const { main } = await benchmark.load();
  await main(rest);
} else if (benchmark === undefined || rest.includes("--help")) {
  const list = Object.entries(BENCHMARKS).map(([key, { summary }]) => `  ${key.padEnd(20)} ${summary}`);
  console.log(`usage: npx pnpm@10 bench NAME [--json FILE] [--runs N]\n\n${list.join("\n")}\n`);
  console.log("ratio = our time / the peer's; medians of interleaved runs on this machine.");
  if (name !== undefined && name !== "--help" && benchmark === undefined) {
    console.error(`bench: no benchmark is called "${name}"; there are ${Object.keys(BENCHMARKS).join(", ")}`);
    process.exitCode = 2;
  }
} else {
  const { values } = parseArgs({
    args: rest,
    options: {
      json: { type: "string" },
      runs: { type: "string", default: "5" },
      only: { type: "string", default: "" },
      threads: { type: "string", default: "2" },
      steps: { type: "string", default: "20" },
      rows: { type: "string" },
      requests: { type: "string", default: "10000" },
      model: { type: "string" },
      classes: { type: "string" },
      memory: { type: "string" },
      backend: { type: "string" },
      browser: { type: "boolean" },
      elements: { type: "string" },
      kills: { type: "string", default: "50" },
    },
  });
  const { run } = await benchmark.load();
  const result = await run({
    runs: Number(values.runs),
    only: values.only,
    threads: Number(values.threads),
    kills: Number(values.kills),
    steps: Number(values.steps),
    ...(values.backend === undefined ? {} : { backend: values.backend }),
    ...(values.browser === undefined ? {} : { browser: values.browser }),
    ...(values.elements === undefined ? {} : { elements: Number(values.elements) }),
    requests: Number(values.requests),
    ...(values.model === undefined ? {} : { model: values.model }),
    ...(values.rows === undefined ? {} : { rows: Number(values.rows) }),
    ...(values.classes === undefined ? {} : { classes: Number(values.classes) }),
    ...(values.memory === undefined ? {} : { memory: values.memory }),
    report: (line) => console.error(line),
  }).catch((error) => {
    if (error.code !== "ERR_ASL_INPUT") throw error;
    console.error(`bench: ${error.message}`);
    process.exit(2);
  });
  console.log(result.text ?? formatTable(result.rows));
  if (result.trailer) console.log(`\n${result.trailer}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
