// Do time and memory grow in proportion to batch and pixels, and does memory stay where it is over thousands of steps?
import { execFile, spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs, promisify } from "node:util";
import { generateEmojiScenes } from "asl-data";
import { isTfjsNodeInstalled } from "asl-tfjs/node";
import { NETWORKS } from "./growth/network.mjs";
import { linearFit } from "./linear-fit.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const TIME = resolve(import.meta.dirname, "growth/time.mjs");
const STEPS = resolve(import.meta.dirname, "growth/steps.mjs");
const BATCHES = [1, 2, 4, 8, 16, 32];
const SIDES = [64, 96, 128, 160, 192, 224];
/** Side of the pictures while the batch grows, and batch while the pictures do. */
const FIXED = { side: 64, batch: 4 };
const LEAKS = { network: "small", imageSize: 32, batchSize: 4 };
/** How many of `--steps` each backend makes: SwiftShader and TensorFlow take long. */
const SHARE = { onnx: 1, "tfjs-node": 0.25, webgpu: 0.1 };
/** Blocks of samples whose means are taken for independent. */
const BLOCKS = 16;
/** More growth than this over the run, for sure (interval above 0), is a leak. */
const TOLERATED = 0.02;

const HELP = `usage: npx pnpm@10 bench growth [--json FILE] [--only TEXT] [--runs N] [--steps N] [--warm-up N] [--threads N]
       [--backend NAME,...]

Time and peak memory against batch and pixels (a new process for each size), and resident memory over --steps steps
(default 2000) of training and inference in one process, after --warm-up steps (default: as many) in which pools, caches
and compiled code come. --only keeps what has TEXT in its name: "train", "small",
"batch", "leak". --backend: onnx, tfjs-node (a quarter of the steps), webgpu (a tenth); default: onnx, and tfjs-node where
it is installed. Exit code 1 when memory grows for sure, by more than ${100 * TOLERATED} % over the run.`;

export async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "string" },
      only: { type: "string", default: "" },
      runs: { type: "string", default: "5" },
      steps: { type: "string", default: "2000" },
      "warm-up": { type: "string" },
      threads: { type: "string", default: "2" },
      backend: { type: "string", default: isTfjsNodeInstalled() ? "onnx,tfjs-node" : "onnx" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(HELP);
  const unknown = values.backend.split(",").filter((name) => !Object.hasOwn(SHARE, name));
  if (unknown.length > 0) {
    console.error(`bench growth: no backend "${unknown[0]}" here; there are ${Object.keys(SHARE).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const steps = values.steps;
  const counts = { runs: values.runs, threads: values.threads, steps, "warm-up": values["warm-up"] ?? steps };
  const wrong = Object.entries(counts).find(([, count]) => !/^[1-9]\d*$/.test(count));
  if (wrong !== undefined) {
    console.error(`bench growth: --${wrong[0]} takes a whole number from 1 on; got "${wrong[1]}"`);
    process.exitCode = 2;
    return;
  }
  const settings = { runs: Number(values.runs), threads: Number(values.threads), only: values.only };
  const sizes = await measureSizes(settings);
  const [all, warmUp, backends] = [Number(steps), Number(counts["warm-up"]), values.backend.split(",")];
  const leaks = await measureLeaks({ ...settings, steps: all, warmUp, backends });
  if (leaks.some(({ grows }) => grows)) process.exitCode = 1;
  console.log([sizeTable(sizes), leakTable(leaks)].filter((text) => text !== "").join("\n\n"));
  if (values.json) await writeFile(values.json, `${JSON.stringify({ sizes, leaks }, null, 2)}\n`);
}

/** Fits of the least seconds (other work on the machine only adds) and of the most bytes over the batch and over the pixels of a picture. */
async function measureSizes({ runs, threads, only }) {
  const cases = Object.keys(NETWORKS).flatMap((network) =>
    ["train", "infer"].flatMap((task) => [
      {
        ...{ name: `${task} ${network}, batch at ${FIXED.side} px`, unit: "picture" },
        points: BATCHES.map((batchSize) => ({ task, network, batchSize, imageSize: FIXED.side, x: batchSize })),
      },
      {
        ...{ name: `${task} ${network}, pixels at batch ${FIXED.batch}`, unit: "1,000 pixels" },
        points: SIDES.map((side) => ({ task, network, batchSize: FIXED.batch, imageSize: side, x: side ** 2 / 1000 })),
      },
    ]),
  );
  const results = [];
  for (const { name, unit, points } of cases.filter((each) => each.name.includes(only))) {
    console.error(`${name} ...`);
    const measured = [];
    for (const { x, ...size } of points) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        TIME,
        JSON.stringify({ runs, threads, ...size }),
      ]);
      const { seconds, bytes } = JSON.parse(stdout);
      measured.push({ ...size, x, seconds: Math.min(...seconds), bytes });
    }
    const over = (pick) =>
      linearFit(
        measured.map(({ x }) => x),
        measured.map(pick),
      );
    results.push({ name, unit, points: measured, time: over((p) => p.seconds), memory: over((p) => p.bytes) });
  }
  return results;
}

async function measureLeaks({ steps, warmUp, backends, threads, only }) {
  const cases = backends.flatMap((backend) => ["train", "infer"].map((task) => ({ backend, task })));
  const wanted = cases.filter(({ backend, task }) => `leak ${task} ${backend}`.includes(only));
  if (wanted.length === 0) return [];
  const folder = temporaryFolder("asl-growth-");
  const { imageSize } = LEAKS;
  const scenes = await generateEmojiScenes({
    ...{ out: join(folder, "scenes"), split: "train", scenes: 64, imageSize, classes: NETWORKS[LEAKS.network].classes },
  });
  const results = [];
  for (const { backend, task } of wanted) {
    const [count, before] = [steps, warmUp].map((all) => Math.max(200, Math.round(all * SHARE[backend])));
    console.error(`leak ${task} ${backend}: ${before} and ${count} steps ...`);
    const samples = await samplesOf({ backend, task, steps: before + count, threads, scenes, ...LEAKS });
    const late = samples.filter(({ step }) => step > before);
    results.push({ name: `${task}, ${backend}`, warmUp: before, steps: count, samples, ...trendOf(late) });
  }
  await rm(folder, { recursive: true });
  return results;
}

async function samplesOf(config) {
  const child = spawn(process.execPath, ["--expose-gc", STEPS, JSON.stringify(config)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((done) => child.once("close", done));
  const samples = [];
  for await (const line of createInterface({ input: child.stdout })) samples.push(JSON.parse(line));
  const code = await ended;
  if (code !== 0) throw new Error(`${config.backend}: the process ended with ${code}`);
  return samples;
}

/** Slope of the blocks' means in bytes a step, and the means of the first and the last quarter. */
function trendOf(late) {
  const meanOf = (some, pick) => some.reduce((sum, each) => sum + pick(each), 0) / some.length;
  const blocks = Array.from({ length: BLOCKS }, (_, i) =>
    late.slice(Math.floor((i * late.length) / BLOCKS), Math.floor(((i + 1) * late.length) / BLOCKS)),
  ).filter((block) => block.length > 0);
  const fit = linearFit(
    blocks.map((block) => meanOf(block, ({ step }) => step)),
    blocks.map((block) => meanOf(block, ({ bytes }) => bytes)),
  );
  const quarter = late.length >> 2;
  const first = meanOf(late.slice(0, quarter), ({ bytes }) => bytes);
  const last = meanOf(late.slice(-quarter), ({ bytes }) => bytes);
  const gained = fit.slope * (late.at(-1).step - late[0].step);
  return { fit, first, last, grows: fit.low > 0 && gained > TOLERATED * first };
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0);
const table = (head, lines) =>
  [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

function sizeTable(results) {
  if (results.length === 0) return "";
  const lines = results.map(({ name, unit, points, time, memory }) => [
    name,
    points.map(({ seconds }) => (1000 * seconds).toFixed(seconds < 0.01 ? 1 : 0)).join(", "),
    `${(1000 * time.intercept).toFixed(1)} + ${(1000 * time.slope).toFixed(2)} per ${unit}`,
    `${time.r2.toFixed(4)}, ${(100 * time.worst).toFixed(0)} %`,
    points.map(({ bytes }) => megabytes(bytes)).join(", "),
    `${megabytes(memory.intercept)} + ${megabytes(memory.slope)} per ${unit}`,
    `${memory.r2.toFixed(4)}, ${(100 * memory.worst).toFixed(0)} %`,
  ]);
  const head = ["work", "ms", "fit", "R2, worst", "peak MB", "fit", "R2, worst"];
  return `batch ${BATCHES.join(", ")}; sides ${SIDES.join(", ")} px\n\n${table(head, lines)}`;
}

function leakTable(results) {
  if (results.length === 0) return "";
  const lines = results.map(({ name, steps, fit, first, last, grows }) => [
    ...[name, steps, megabytes(first), megabytes(last)],
    `${(fit.slope / 1e3).toFixed(2)} (${(fit.low / 1e3).toFixed(2)} to ${(fit.high / 1e3).toFixed(2)})`,
    grows ? "GROWS" : "flat",
  ]);
  return table(["steps of", "steps", "first quarter, MB", "last quarter, MB", "MB per 1,000 steps (95 %)", ""], lines);
}
