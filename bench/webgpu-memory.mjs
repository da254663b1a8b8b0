// What does TResNet-M take on WebGPU: kernels, bytes moved, memory for the values between kernels, and what does a limit on
// that cost? Planned with the limits that every device has; no device is needed.
import { asymmetricLoss, evaluateProgram, trainProgram, tresnet, tresnetConfig } from "asl-core";
import { explain, OutOfMemoryError, planMemory } from "asl-webgpu";

const LIMITS = [700e6, 600e6, 500e6, 400e6, 300e6, 200e6];

/** TResNet-M at 224 px: `programs` as explain and planMemory see them, `rows` of a training step under each limit. */
export async function run({ report }) {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 80 }));
  const loss = (logits, targets) => asymmetricLoss(logits, targets);
  const train = trainProgram({ model, batchSize: 8, imageSize: 224, loss });
  const evaluate = evaluateProgram({ model, batchSize: 1, imageSize: 224 });
  const programs = Object.entries({ "evaluate, batch 1": evaluate, "train, batch 8": train }).map(([name, program]) => {
    report(`${name} ...`);
    return { name, ops: program.graph.nodes.length, ...figuresOf(program) };
  });
  const { flops, ...unlimited } = programs.at(-1);
  const limited = LIMITS.map((memoryLimit) => {
    report(`train, batch 8, limit ${megabytes(memoryLimit)} ...`);
    return { memoryLimit, ...underLimit(train, memoryLimit, flops) };
  });
  const rows = [{ memoryLimit: null, ...unlimited, repeated: 0 }, ...limited];
  return { programs, rows, text: `${programTable(programs)}\n\nA training step, batch 8:\n\n${limitTable(rows)}` };
}

function figuresOf(program) {
  const { kernels, bytes, lowerBoundBytes: leastMoved, flops } = explain(program);
  const { plannedBytes, naiveBytes, lowerBoundBytes, stateBytes } = planMemory(program);
  return { kernels: kernels.length, bytes, leastMoved, flops, plannedBytes, naiveBytes, lowerBoundBytes, stateBytes };
}

/** repeated: share of `flops`, all operations of the kernels without a limit. */
function underLimit(program, memoryLimit, flops) {
  try {
    const { plannedBytes, lowerBoundBytes, repeatedFlops } = planMemory(program, { memoryLimit });
    return { plannedBytes, lowerBoundBytes, repeated: repeatedFlops / flops };
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    return { refused: error.bytes };
  }
}

function programTable(programs) {
  const lines = programs.map(({ name, ops, kernels, bytes, leastMoved, plannedBytes, naiveBytes, stateBytes }) => [
    ...[name, ops, kernels],
    ...[bytes, leastMoved, plannedBytes, naiveBytes, stateBytes].map(megabytes),
  ]);
  const head = [
    "program",
    "ops",
    "kernels",
    "bytes moved",
    "lower bound",
    "planned",
    "a buffer for each value",
    "state",
  ];
  return tableOf(head, lines);
}

function limitTable(rows) {
  const lines = rows.map(({ memoryLimit, plannedBytes, lowerBoundBytes, repeated, refused }) => {
    const limit = memoryLimit === null ? "none" : megabytes(memoryLimit);
    if (refused !== undefined) return [limit, `refused: the least found is ${megabytes(refused)}`, "", ""];
    return [limit, megabytes(plannedBytes), megabytes(lowerBoundBytes), `${(100 * repeated).toFixed(1)} %`];
  });
  return tableOf(["limit", "planned", "alive at one time", "operations repeated"], lines);
}

function tableOf(head, lines) {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
