// Do the exported files mean the same to runtimes of other people? Every kind of file, in each of them.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createCommand, EXIT, existingFile, formatTable, imageSize, runCommand } from "asl-cli";
import { makeCases } from "./foreign/files.mjs";
import { onnxRuntimeNode, onnxRuntimeWeb, pythonRuntimes } from "./foreign/runtimes.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const CHECKPOINT = fileURLToPath(new URL("../fixtures/models/tresnet_tiny/checkpoint.pth", import.meta.url));

/** What a runtime cannot do, and why; one that does it after all fails the run. */
const DEVIATIONS = [
  {
    runtime: "tract",
    refuses: ({ precision }) => precision === "fp16",
    reason: "its Gemm in float16 declares a float32 result (0.23.9)",
  },
];

const command = () =>
  createCommand({
    name: "bench foreign-runtimes",
    description:
      "Exports float32, fp16 and int8, each with and without preprocessing, and runs the files in onnxruntime-node, in " +
      "onnxruntime-web in Chromium, and in what the Python peer ($PYTHON, default /usr/bin/python3) has of onnx's checker " +
      "and reference, OpenVINO, tract and OpenCV: pip install onnx openvino tract opencv-python-headless.",
    examples: [
      "PYTHON=venv/bin/python npx pnpm@10 bench foreign-runtimes --json foreign-runtimes.json",
      "npx pnpm@10 bench foreign-runtimes --model runs/demo/train/best-ema.safetensors",
    ],
  })
    .option("--model <file>", "a checkpoint; default: the official implementation's small network", existingFile)
    .option("--image-size <pixels>", "default: what the checkpoint says; 64 for the small network", imageSize)
    .option("--json <file>", "write all figures as JSON");

export const main = (argv) => runCommand(command(), compare, argv);

async function compare({ model, imageSize: side, json }, { report, signal }) {
  const folder = temporaryFolder("asl-foreign-");
  const checkpoint = model === undefined ? CHECKPOINT : path.resolve(model);
  const size = side ?? (model === undefined ? 64 : undefined);
  const made = await makeCases({ checkpoint, imageSize: size, folder, signal, report: (line) => report.note(line) });
  const python = pythonRuntimes();
  const runtimes = [onnxRuntimeNode(), await onnxRuntimeWeb(), ...python.runtimes];
  const rows = [];
  try {
    for (const runtime of runtimes) {
      report.note(`${runtime.name} ...`);
      for (const each of made.cases) {
        signal.throwIfAborted();
        if (runtime.name === "onnx.checker" && !each.isJudged) continue;
        rows.push(rowOf(runtime.name, each, await runtime.run(each)));
      }
    }
  } finally {
    for (const { close } of runtimes) await close();
    await python.close();
  }
  report.print(textOf(rows, made));
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ ...made.model, rows }, null, 2)}\n`);
  for (const [name, missing] of missingOf(rows)) report.warn(`${name} did not run: ${missing} is not installed`);
  const failed = rows.filter(({ outcome }) => outcome === "failed");
  for (const { runtime, file, reason } of failed) report.error(`${file} in ${runtime}: ${reason}`);
  return failed.length > 0 ? EXIT.failed : EXIT.ok;
}

/** outcome: "ok", "measured" (not judged), "deviates" (as declared), "missing" or "failed". */
export function rowOf(runtime, { name: file, precision, isJudged, judge }, answer) {
  const row = { runtime, file, version: answer.version ?? null };
  if (answer.missing !== undefined) return { ...row, outcome: "missing", reason: answer.missing };
  const deviation = DEVIATIONS.find((each) => each.runtime === runtime && each.refuses({ precision }));
  if (answer.error !== undefined) {
    return deviation === undefined
      ? { ...row, outcome: "failed", reason: answer.error }
      : { ...row, outcome: "deviates", reason: deviation.reason };
  }
  if (deviation !== undefined) {
    return { ...row, outcome: "failed", reason: `it runs, though declared as: ${deviation.reason}; remove that` };
  }
  const { load, run } = answer;
  if (Object.keys(answer.outputs).length === 0) return { ...row, outcome: "ok", load };
  try {
    const { difference, ofBound } = judge(answer.outputs);
    const figures = { ...row, difference, ofBound, load, run };
    if (!isJudged) return { ...figures, outcome: "measured" };
    if (ofBound <= 1) return { ...figures, outcome: "ok" };
    return { ...figures, outcome: "failed", reason: `differs by ${difference}, ${ofBound.toFixed(2)} of what it may` };
  } catch (error) {
    return { ...row, outcome: "failed", reason: error.message };
  }
}

const missingOf = (rows) =>
  new Map(rows.filter(({ outcome }) => outcome === "missing").map(({ runtime, reason }) => [runtime, reason]));

/** Files by runtimes; each cell: largest difference, and time of a run. */
const textOf = (rows, { model: { size, classes, pictures }, cases }) => {
  const runtimes = [...new Map(rows.map(({ runtime, version }) => [runtime, version])).entries()];
  const cell = (file, runtime) => {
    const row = rows.find((each) => each.file === file && each.runtime === runtime);
    if (row === undefined) return "";
    const { outcome, difference, run } = row;
    return difference === undefined ? outcome : `${difference.toExponential(1)}, ${(1000 * run).toFixed(0)} ms`;
  };
  const reasons = rows.flatMap(({ outcome, runtime, reason }) =>
    outcome === "deviates" ? [`${runtime}: ${reason}`] : [],
  );
  return [
    formatTable(
      ["file", "may differ by", ...runtimes.map(([name, version]) => (version === null ? name : `${name} ${version}`))],
      cases.map(({ name, bound }) => [name, bound, ...runtimes.map(([runtime]) => cell(name, runtime))]),
      [],
    ),
    `${pictures} pictures, ${size} px, ${classes} classes: largest difference from the session's logits in float32 (with ` +
      "preprocessing: scores), time of a run",
    ...new Set(reasons.map((reason) => `deviates: ${reason}`)),
  ].join("\n");
};
