import { sizeOf } from "asl-core";
import { BUFFER_USAGE, SHADER_STAGE_COMPUTE } from "../runtime/usage.js";
import { candidateTiles } from "./candidates.js";
import type { ContractionDispatch, ContractionIO, ScratchIO } from "./io.js";
import { type ContractionOp, problemOf } from "./mappings.js";
import { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
import { contractionKey } from "./tile.js";
import { deviceTuning, type Tile } from "./tuning.js";

export interface TunedContraction {
  readonly key: string;
  readonly tile: Tile;
  /** Of each candidate that the device compiles, the fastest of its runs; in the order of `candidateTiles`. */
  readonly trials: readonly { readonly tile: Tile; readonly seconds: number }[];
}

/** Operands at bindings 0 and 1, again in fours at 2 and 3, the output at 4, scratch at 5. */
const IO: ContractionIO = {
  declarations: `@group(0) @binding(0) var<storage, read> x0: array<f32>;
@group(0) @binding(1) var<storage, read> x1: array<f32>;
@group(0) @binding(2) var<storage, read> four0: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> four1: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> scratch: array<f32>;
`,
  load: (operand, index) => `x${operand}[${index}]`,
  loadVec4: (operand, index) => `four${operand}[(${index}) / 4u]`,
  store: (index, value) => `y[${index}] = ${value};`,
};
const SCRATCH: ScratchIO = {
  load: (index) => `scratch[${index}]`,
  store: (index, value) => `scratch[${index}] = ${value};`,
};
const BINDINGS = [0, 1, 0, 1, 2, 3] as const;

/** A trial takes at least as long, or so many dispatches: what a clock shows of less is noise. */
const TRIAL_SECONDS = 0.004;
const MOST_DISPATCHES = 64;
/** A candidate that takes so many times as long as the fastest in the first run gets no second. */
const HOPELESS = 1.5;

export interface TuneOptions {
  /** Timed runs of each candidate, in turn. Default 3. */
  readonly runs?: number;
  readonly mostCandidates?: number;
}

/**
 * Times the candidates on the device, `runs` each in turn, and gives the fastest; undefined when there is nothing to
 * compute or the device has no room for it. The result is plain data: pinned, it makes the same kernels.
 */
export async function tuneContraction(
  device: GPUDevice,
  node: ContractionNode,
  types: ContractionTypes,
  { runs = 3, mostCandidates = Number.POSITIVE_INFINITY }: TuneOptions = {},
): Promise<TunedContraction | undefined> {
  const tuning = deviceTuning(device);
  const problem = problemOf<ContractionOp>(node.op, types.inputs, types.output, node.attrs);
  if (sizeOf(types.output.shape) === 0) return undefined;
  const tiles = candidateTiles(problem, tuning).slice(0, mostCandidates);
  const plans = tiles.map((tile) => planContraction(node, types, IO, { ...tuning, tile }, SCRATCH));
  const sizes = [...types.inputs, types.output].map(({ shape }) => 4 * sizeOf(shape));
  sizes.push(4 * Math.max(...plans.map(({ scratchElements }) => scratchElements)));
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  if (Math.max(...sizes) > Math.min(maxBufferSize, maxStorageBufferBindingSize)) return undefined;
  const usage = BUFFER_USAGE.STORAGE;
  // whole vectors
  const buffers = sizes.map((size) =>
    device.createBuffer({ label: "autotuner", size: 16 * Math.max(Math.ceil(size / 16), 1), usage }),
  );
  try {
    const layout = device.createBindGroupLayout({
      entries: BINDINGS.map((buffer, binding) => ({
        binding,
        visibility: SHADER_STAGE_COMPUTE,
        buffer: { type: buffer < 2 ? "read-only-storage" : "storage" },
      })),
    });
    const entries = BINDINGS.map((buffer, binding) => ({ binding, resource: { buffer: buffers[buffer]! } }));
    const group = device.createBindGroup({ layout, entries });
    const compiled = await Promise.all(
      plans.map(async ({ dispatches }, i): Promise<Candidate | undefined> => {
        const pipelines = await pipelinesOf(device, layout, dispatches);
        return pipelines === undefined ? undefined : { tile: tiles[i]!, dispatches, pipelines };
      }),
    );
    const trials = await race(
      device,
      group,
      compiled.filter((each) => each !== undefined),
      runs,
    );
    const [fastest] = [...trials].sort((a, b) => a.seconds - b.seconds);
    return fastest === undefined ? undefined : { key: contractionKey(node.op, problem), tile: fastest.tile, trials };
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

interface Candidate {
  readonly tile: Tile;
  readonly dispatches: readonly ContractionDispatch[];
  readonly pipelines: readonly GPUComputePipeline[];
}

async function race(device: GPUDevice, group: GPUBindGroup, candidates: readonly Candidate[], runs: number) {
  const repeats: number[] = [];
  for (const candidate of candidates) {
    // the first run of each pays for what the driver puts off
    await timed(device, group, candidate, 1);
    const seconds = await timed(device, group, candidate, 1);
    repeats.push(Math.max(1, Math.min(MOST_DISPATCHES, Math.ceil(TRIAL_SECONDS / seconds))));
  }
  const seconds = candidates.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < runs; run++) {
    const fastest = Math.min(...seconds);
    for (const [i, candidate] of candidates.entries()) {
      if (run > 0 && seconds[i]! > HOPELESS * fastest) continue;
      seconds[i] = Math.min(seconds[i]!, await timed(device, group, candidate, repeats[i]!));
    }
  }
  return candidates.map(({ tile }, i) => ({ tile, seconds: seconds[i]! }));
}

/** Undefined where the device does not compile them: a tile that it cannot run is none to choose. */
async function pipelinesOf(
  device: GPUDevice,
  bindGroupLayout: GPUBindGroupLayout,
  dispatches: readonly ContractionDispatch[],
): Promise<readonly GPUComputePipeline[] | undefined> {
  const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
  device.pushErrorScope("validation");
  const pipelines = dispatches.map(({ label, enables, wgsl }) => {
    const code = `${enables.map((name) => `enable ${name};\n`).join("")}${wgsl}`;
    const module = device.createShaderModule({ label, code });
    return device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
  });
  const error = device.popErrorScope();
  const settled = await Promise.allSettled(pipelines);
  const made = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  return (await error) === null && made.length === dispatches.length ? made : undefined;
}

/** Seconds of one of `repeats` runs. */
async function timed(
  device: GPUDevice,
  group: GPUBindGroup,
  { dispatches, pipelines }: Candidate,
  repeats: number,
): Promise<number> {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setBindGroup(0, group);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [i, { workgroups }] of dispatches.entries()) {
      pass.setPipeline(pipelines[i]!);
      pass.dispatchWorkgroups(...workgroups);
    }
  }
  pass.end();
  const commands = encoder.finish();
  await device.queue.onSubmittedWorkDone();
  const start = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  // a clock may stand still for a moment
  return Math.max((performance.now() - start) / 1000, 1e-6) / repeats;
}
