#!/usr/bin/env node
// npx pnpm@10 bench NAME [--json FILE] [options of the benchmark]
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { formatTable } from "./table.mjs";

const BENCHMARKS = {
  tresnet: {
    summary: "training step and inference of TResNet against PyTorch, interleaved, equal threads",
    load: () => import("./tresnet.mjs"),
    options: ["runs", "only", "threads"],
  },
  bindings: {
    summary: "training step and inference of TResNet-M through each of two bindings of ONNX Runtime, interleaved",
    load: () => import("./bindings.mjs"),
    options: ["runs", "only", "threads"],
  },
  profile: {
    summary:
      "time of a training step and an inference by operator and shape, from ONNX Runtime's profile (--only NAME)",
    load: () => import("./profile.mjs"),
    options: ["runs", "only", "threads"],
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
    options: ["only", "threads"],
  },
  exact: {
    summary:
      "the exact functions and losses on every backend: accuracy, bits, time against the native ones (--browser)",
    load: () => import("./exact.mjs"),
    options: ["runs", "only", "threads", "elements", "browser", "backend"],
  },
  loss: {
    summary: "the exact and the native loss with gradient, 64 x 9,605, against PyTorch's AsymmetricLossOptimized",
    load: () => import("./loss.mjs"),
    options: ["runs", "only", "threads"],
  },
  optimizer: {
    summary: "Adam and the moving average over TResNet-M's parameters, against the memory's bandwidth and PyTorch",
    load: () => import("./optimizer.mjs"),
    options: ["runs", "only"],
  },
  "open-images-labels": {
    summary: "reading the label rows of Open Images: time and memory",
    load: () => import("./open-images-labels.mjs"),
    options: ["rows", "classes"],
  },
  "loss-curves": {
    summary: "20 steps of the demo's training on onnx, tfjs-wasm and tfjs-node: losses side by side, bits of the first",
    load: () => import("./loss-curves.mjs"),
    options: ["only", "threads", "steps"],
  },
  "open-images-map": {
    summary:
      "exact mAP of 125,456 x 9,605 scores from a file: memory, time, agreement with scikit-learn (7.5 GB of disk)",
    load: () => import("./open-images-map.mjs"),
    options: ["only", "rows", "classes", "memory"],
  },
  "kill-resume": {
    summary: "training runs killed (SIGKILL) at random moments and resumed: equal final hashes (--kills N)",
    load: () => import("./kill-resume.mjs"),
    options: ["kills"],
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
    options: ["runs", "only"],
  },
  serve: {
    summary: "the HTTP server under load: one by one, in batches, at twice what it can do, and 10,000 hostile requests",
    load: () => import("./serve.mjs"),
    options: ["steps", "requests", "model"],
  },
  "cold-start": {
    summary: "infer on one picture with TResNet-L, a new process each time: to the exit, less reading the file",
    load: () => import("./cold-start.mjs"),
    options: ["runs", "only"],
  },
  growth: {
    summary: "time and memory against batch and pixels, and memory over 2,000 steps in one process",
    load: () => import("./growth.mjs"),
    ownOptions: true,
  },
  webgpu: {
    summary: "forward pass of TResNet-M on WebGPU against TensorFlow.js and ONNX Runtime Web, in Chromium",
    load: () => import("./webgpu.mjs"),
    options: ["runs", "only"],
  },
  "webgpu-contraction": {
    summary: "convolutions of TResNet-M and their gradients on WebGPU against TensorFlow.js and ONNX Runtime Web",
    load: () => import("./webgpu-contraction.mjs"),
    options: ["runs", "only"],
  },
  "webgpu-memory": {
    summary: "memory of TResNet-M on WebGPU: planned and naive, and what memory limits cost in recomputation",
    load: () => import("./webgpu-memory.mjs"),
    options: [],
  },
};

const OPTIONS = {
  runs: { type: "number", default: 5, meaning: "runs of which the median counts" },
  only: { type: "string", default: "", meaning: "only the cases whose names hold this text" },
  threads: { type: "number", default: 2, meaning: "threads of each side" },
  steps: { type: "number", default: 20, meaning: "steps, or seconds of load" },
  kills: { type: "number", default: 50, meaning: "runs that are killed" },
  requests: { type: "number", default: 10_000, meaning: "hostile requests" },
  elements: { type: "number", meaning: "elements of the functions' arguments" },
  rows: { type: "number", meaning: "rows of the made-up file" },
  classes: { type: "number", meaning: "classes of the made-up file" },
  memory: { type: "string", meaning: "what the measurement may take, such as 1.5GiB" },
  model: { type: "string", meaning: "a checkpoint instead of random weights" },
  backend: { type: "string", meaning: "this backend alone" },
  browser: { type: "boolean", meaning: "in Chromium, too" },
};

const listed = () => Object.entries(BENCHMARKS).map(([key, { summary }]) => `  ${key.padEnd(20)} ${summary}`);

function usage() {
  console.log(`usage: npx pnpm@10 bench NAME [--help] [options]\n\n${listed().join("\n")}\n`);
  console.log("ratio = our time / the peer's; medians of interleaved runs on this machine.");
}

function usageOf(name, { summary, options }) {
  const lines = options.map((option) => {
    const { meaning, default: usual } = OPTIONS[option];
    return `  --${option.padEnd(10)} ${meaning}${usual === undefined || usual === "" ? "" : ` (default: ${usual})`}`;
  });
  const all = [...lines, `  --${"json".padEnd(10)} a file for the results, as JSON`];
  console.log(`usage: npx pnpm@10 bench ${name} [options]\n\n${summary}\n\n${all.join("\n")}`);
}

function refuse(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}

/** The options of a benchmark; ends with what is wrong for one that it does not have, or a value that is none. */
function parsed(name, { options }, args) {
  const types = Object.fromEntries(
    options.map((option) => [option, { type: OPTIONS[option].type === "boolean" ? "boolean" : "string" }]),
  );
  let values;
  try {
    values = parseArgs({ args, options: { ...types, json: { type: "string" } } }).values;
  } catch (error) {
    refuse(`${error.message} (npx pnpm@10 bench ${name} --help shows all options)`);
  }
  if (values.json !== undefined && !existsSync(dirname(values.json))) {
    refuse(`--json ${values.json}: its folder does not exist`);
  }
  const given = options.flatMap((option) => {
    const { type, default: usual } = OPTIONS[option];
    const value = values[option] ?? usual;
    if (value === undefined) return [];
    if (type !== "number") return [[option, value]];
    const number = Number(value);
    if (!(Number.isSafeInteger(number) && number > 0))
      refuse(`--${option} must be a whole number from 1 on; got "${value}"`);
    return [[option, number]];
  });
  return { json: values.json, options: Object.fromEntries(given) };
}

const [name, ...rest] = process.argv.slice(2).filter((argument) => argument !== "--");
const benchmark = Object.hasOwn(BENCHMARKS, name ?? "") ? BENCHMARKS[name] : undefined;
if (name === undefined || name === "--help" || name === "-h") usage();
else if (benchmark === undefined) {
  refuse(`no benchmark is called "${name}"; there are ${Object.keys(BENCHMARKS).join(", ")}`);
} else if (benchmark.ownOptions) {
  const { main } = await benchmark.load();
  await main(rest);
} else if (rest.includes("--help") || rest.includes("-h")) usageOf(name, benchmark);
else {
  const { json, options } = parsed(name, benchmark, rest);
  const { run } = await benchmark.load();
  const result = await run({ ...options, report: (line) => console.error(line) }).catch((error) => {
    if (error.code !== "ERR_ASL_INPUT") throw error;
    refuse(error.message);
  });
  console.log(result.text ?? formatTable(result.rows));
  if (result.trailer) console.log(`\n${result.trailer}`);
  if (json) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
}
