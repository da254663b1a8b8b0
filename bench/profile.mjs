// Where does the time of a training step and of an inference go, operator by operator?
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { initialTensors, sizeOf } from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { temporaryFolder } from "./temporary-folder.mjs";
import { CASES } from "./tresnet/cases.mjs";
import { TASKS } from "./tresnet/programs.mjs";

const DEFAULT = "TResNet-M 224 px, batch 8";
/** Shapes that are listed one by one. */
const MOST_SHAPES = 60;

/** ONNX Runtime's own profile of the runs after the first: time of the kernels, without what is between them. */
export async function run({ runs, only, threads, report }) {
  const cases = CASES.filter(({ name, task }) => task !== "sgemm" && name.includes(only || DEFAULT));
  const profiles = [];
  for (const each of cases) {
    report(`${each.name} ...`);
    profiles.push(await profile(each, { runs, threads }));
  }
  return { profiles, text: profiles.map(formatProfile).join("\n\n") };
}

async function profile({ name, ...task }, { runs, threads }) {
  const folder = temporaryFolder("asl-profile-");
  const { state, program, feeds } = TASKS[task.task](task);
  const sessionOptions = { enableProfiling: true, profileFilePrefix: join(folder, "profile") };
  const session = await onnxNodeBackend({ threads, sessionOptions }).compile(state, { program });
  for (const [tensor, value] of initialTensors(state, 0)) await session.write({ [tensor]: value });
  let wall = 0;
  for (let step = 0; step <= runs; step++) {
    const start = performance.now();
    await session.run("program", feeds(step + 1));
    if (step > 0) wall += performance.now() - start;
  }
  // the profile is written when the session goes
  await session[Symbol.asyncDispose]();
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  const events = JSON.parse(files.sort((a, b) => b.length - a.length)[0]);
  return { name, runs, threads, milliseconds: wall / runs, ...summarize(kernelEvents(events), runs) };
}

/** Events of nodes in the runs after the first. */
function kernelEvents(events) {
  const seen = new Set();
  return events.filter(({ cat, name }) => {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) return false;
    const again = seen.has(name);
    seen.add(name);
    return again;
  });
}

function summarize(events, runs) {
  const total = events.reduce((sum, { dur }) => sum + dur, 0);
  const groups = (keyOf) => {
    const rows = new Map();
    for (const event of events) {
      const key = keyOf(event);
      const row = rows.get(key) ?? { name: key, calls: 0, microseconds: 0, flops: 0 };
      row.calls++;
      row.microseconds += event.dur;
      row.flops += productFlops(event);
      rows.set(key, row);
    }
    return [...rows.values()]
      .sort((a, b) => b.microseconds - a.microseconds)
      .map(({ name, calls, microseconds, flops }) => ({
        name,
        calls: calls / runs,
        milliseconds: microseconds / runs / 1000,
        share: microseconds / total,
        gigaflopsPerSecond: flops === 0 ? null : flops / microseconds / 1000,
      }));
  };
  return {
    kernels: total / runs / 1000,
    operators: groups(({ args }) => args.op_name),
    shapes: groups(
      ({ args }) => `${args.op_name} ${shapesOf(args.input_type_shape).slice(0, 2).map(formatShape).join(" x ")}`,
    ),
  };
}

const shapesOf = (types) => types.map((type) => Object.values(type)[0]);
const formatShape = (shape) => `[${shape.join(",")}]`;

/** Two operations for each product of a convolution or a matrix product; 0 for others. */
function productFlops({ args }) {
  const [x, w] = shapesOf(args.input_type_shape);
  const [y] = shapesOf(args.output_type_shape);
  if (args.op_name === "Conv") return 2 * sizeOf(y) * sizeOf(w.slice(1));
  if (args.op_name === "MatMul") return 2 * sizeOf(y) * x.at(-1);
  if (args.op_name.endsWith("Gemm")) return 2 * sizeOf(y) * (sizeOf(x) / (x[0] === y[0] ? x[0] : x[1]));
  return 0;
}

function formatProfile({ name, runs, threads, milliseconds, kernels, operators, shapes }) {
  const row = (each) => {
    const speed = each.gigaflopsPerSecond === null ? "" : each.gigaflopsPerSecond.toFixed(0);
    return `| ${each.name} | ${each.calls} | ${each.milliseconds.toFixed(1)} | ${(100 * each.share).toFixed(1)} % | ${speed} |`;
  };
  const table = (title, rows) => [
    `| ${title} | calls | ms | share | GFLOP/s |`,
    "| --- | --- | --- | --- | --- |",
    ...rows.map(row),
  ];
  return [
    `${name}: ${milliseconds.toFixed(0)} ms a run, ${kernels.toFixed(0)} ms of it in kernels (mean of ${runs} runs, ${threads} threads)`,
    "",
    ...table(
      "operator",
      operators.filter(({ share }) => share >= 0.005),
    ),
    "",
    ...table("operator and shapes", shapes.slice(0, MOST_SHAPES)),
  ].join("\n");
}
