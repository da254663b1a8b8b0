// How much memory do the values between the kernels of a training step take on WebGPU, and what does a limit cost? Planned
// with the limits that every device has; no device is needed.
import { asymmetricLoss, evaluateProgram, trainProgram, tresnet, tresnetConfig } from "asl-core";
import { explain, OutOfMemoryError, planMemory } from "asl-webgpu";

const LIMITS = [undefined, 700e6, 600e6, 500e6, 400e6, 300e6, 200e6];

/** TResNet-M at 224 px: {name, memoryLimit, plannedBytes, naiveBytes, lowerBoundBytes, repeated}; bytes, share of the FLOPs. */
export async function run({ report }) {
  const model = tresnet(tresnetConfig("tresnet_m", { classes: 80 }));
  const loss = (logits, targets) => asymmetricLoss(logits, targets);
  const programs = {
    "evaluate, batch 1": [evaluateProgram({ model, batchSize: 1, imageSize: 224 }), [undefined]],
    "train, batch 8": [trainProgram({ model, batchSize: 8, imageSize: 224, loss }), LIMITS],
  };
  const rows = Object.entries(programs).flatMap(([name, [program, limits]]) => {
    const flops = explain(program).flops;
    return limits.map((memoryLimit) => {
      report(`${name}, ${memoryLimit === undefined ? "no limit" : `limit ${megabytes(memoryLimit)}`} ...`);
      return { name, memoryLimit: memoryLimit ?? null, ...measure(program, memoryLimit, flops) };
    });
  });
  return { rows, text: tableOf(rows) };
}

function measure(program, memoryLimit, flops) {
  const options = memoryLimit === undefined ? {} : { memoryLimit };
  try {
    const { plannedBytes, naiveBytes, lowerBoundBytes, repeatedFlops } = planMemory(program, options);
    return { plannedBytes, naiveBytes, lowerBoundBytes, repeated: repeatedFlops / flops };
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    return { refused: error.message };
  }
}

function tableOf(rows) {
  const lines = rows.map((row) => {
    const limit = row.memoryLimit === null ? "none" : megabytes(row.memoryLimit);
    if (row.refused !== undefined) return `| ${row.name} | ${limit} | refused: ${row.refused} |`;
    const { plannedBytes, lowerBoundBytes, naiveBytes, repeated } = row;
    const sizes = [plannedBytes, lowerBoundBytes, naiveBytes].map(megabytes).join(" | ");
    return `| ${row.name} | ${limit} | ${sizes} | ${(100 * repeated).toFixed(1)} % |`;
  });
  return [
    "| program | limit | planned | alive at once | a buffer for each value | operations repeated |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
