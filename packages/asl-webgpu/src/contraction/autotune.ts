import { sizeOf } from "asl-core";
import { BUFFER_USAGE, SHADER_STAGE_COMPUTE } from "../runtime/usage.js";
import type { ContractionDispatch, ContractionIO, ScratchIO } from "./io.js";
import { type ContractionOp, problemOf } from "./mappings.js";
import { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
import { extentOf, type GemmProblem, transposeProblem } from "./problem.js";
import { chooseTile, contractionKey, isRunnable } from "./tile.js";
import { deviceTuning, type Tile, type Tuning } from "./tuning.js";

export interface TunedContraction {
  readonly key: string;
  readonly tile: Tile;
  /** Of each candidate, the fastest of its runs; in the order of `candidateTiles`. */
  readonly trials: readonly { readonly tile: Tile; readonly seconds: number }[];
}

/** Tiles worth a trial for a contraction, the one that follows from the shape first. */
export function candidateTiles(problem: GemmProblem, tuning: Tuning): Tile[] {
  const first = chooseTile(problem, tuning);
  const { splits } = first;
  const candidates: Tile[] = [first];
  for (const transposed of [false, true]) {
    const { m, n } = transposed ? transposeProblem(problem) : problem;
    const [height, width] = [extentOf(m), extentOf(n)];
    for (const rows of [1, 4, 8, 16]) {
      for (const columns of [1, 2, 4]) {
        // a tile that is more than half empty is none to try
        if ((rows > 1 && rows >= 2 * height) || (columns > 1 && columns * 4 >= 2 * width)) continue;
        const common = { rows, columns, splits, ...(transposed ? { transposed } : {}) };
        candidates.push(
          { from: "quads", threads: [16, 1], ...common },
          { from: "buffers", threads: [16, 4], ...common },
        );
      }
    }
  }
  const texts = new Set<string>();
  return candidates.filter((tile) => {
    const text = JSON.stringify(Object.entries(tile).sort());
    const isNew = !texts.has(text);
    texts.add(text);
    return isNew && isRunnable(tile, tuning);
  });
}

/** Operands at bindings 0 and 1, the output at 2, scratch at 3. */
const IO: ContractionIO = {
  declarations: `@group(0) @binding(0) var<storage, read> x0: array<f32>;
@group(0) @binding(1) var<storage, read> x1: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scratch: array<f32>;
`,
  load: (operand, index) => `x${operand}[${index}]`,
  store: (index, value) => `y[${index}] = ${value};`,
};
const SCRATCH: ScratchIO = {
  load: (index) => `scratch[${index}]`,
  store: (index, value) => `scratch[${index}] = ${value};`,
};

/**
 * Times the candidates on the device, `runs` each in turn, and gives the fastest; undefined when there is nothing to
 * compute. The result is plain data: kept as JSON under its key and handed back as `tiles`, it makes the same kernels.
 */
export async function tuneContraction(
  device: GPUDevice,
  node: ContractionNode,
  types: ContractionTypes,
  {
    runs = 3,
    mostCandidates = Number.POSITIVE_INFINITY,
  }: { readonly runs?: number; readonly mostCandidates?: number } = {},
): Promise<TunedContraction | undefined> {
  const tuning = deviceTuning(device);
  const problem = problemOf<ContractionOp>(node.op, types.inputs, types.output, node.attrs);
  if (sizeOf(types.output.shape) === 0) return undefined;
  const tiles = candidateTiles(problem, tuning).slice(0, mostCandidates);
  const plans = tiles.map((tile) => planContraction(node, types, IO, { ...tuning, tile }, SCRATCH));
  const sizes = [...types.inputs, types.output].map(({ shape }) => sizeOf(shape));
  sizes.push(Math.max(...plans.map(({ scratchElements }) => scratchElements)));
  const buffers = sizes.map((size) =>
    device.createBuffer({ label: "autotuner", size: 4 * Math.max(size, 1), usage: BUFFER_USAGE.STORAGE }),
  );
  const layout = device.createBindGroupLayout({
    entries: (["read-only-storage", "read-only-storage", "storage", "storage"] as const).map((type, binding) => ({
      binding,
      visibility: SHADER_STAGE_COMPUTE,
      buffer: { type },
    })),
  });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout, entries });
  try {
    const seconds = tiles.map(() => Number.POSITIVE_INFINITY);
    const pipelines = await Promise.all(plans.map(({ dispatches }) => pipelinesOf(device, layout, dispatches)));
    for (let run = 0; run <= runs; run++) {
      for (const [i, { dispatches }] of plans.entries()) {
        const taken = await timed(device, group, pipelines[i]!, dispatches);
        // the first run of each pays for what the driver puts off
        if (run > 0) seconds[i] = Math.min(seconds[i]!, taken);
      }
    }
    const fastest = seconds.indexOf(Math.min(...seconds));
    return {
      key: contractionKey(node.op, problem),
      tile: tiles[fastest]!,
      trials: tiles.map((tile, i) => ({ tile, seconds: seconds[i]! })),
    };
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

function pipelinesOf(
  device: GPUDevice,
  bindGroupLayout: GPUBindGroupLayout,
  dispatches: readonly ContractionDispatch[],
) {
  const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
  return Promise.all(
    dispatches.map(({ label, enables, wgsl }) => {
      const code = `${enables.map((name) => `enable ${name};\n`).join("")}${wgsl}`;
      const module = device.createShaderModule({ label, code });
      return device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
    }),
  );
}

async function timed(
  device: GPUDevice,
  group: GPUBindGroup,
  pipelines: readonly GPUComputePipeline[],
  dispatches: readonly ContractionDispatch[],
): Promise<number> {
  const encoder = device.createCommandEncoder();
  for (const [i, { workgroups }] of dispatches.entries()) {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipelines[i]!);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
  }
  const commands = encoder.finish();
  await device.queue.onSubmittedWorkDone();
  const start = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  return (performance.now() - start) / 1000;
}
