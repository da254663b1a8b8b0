import { ShapeError, sizeOf } from "asl-core";
import { paddedBytes, STORED, STORED_HALF, storedBytes } from "../wgsl/storage.js";
import { candidateTiles } from "./candidates.js";
import type { ContractionIO, ContractionPlan, ScratchIO } from "./io.js";
import { type ContractionOp, problemOf } from "./mappings.js";
import { type ContractionNode, type ContractionTypes, planContraction } from "./plan.js";
import { contractionKey } from "./tile.js";
import { type Candidate, pipelinesOf, placeOf, race } from "./trials.js";
import { deviceTuning, type Tile, type Tuning } from "./tuning.js";

export interface TunedContraction {
  readonly key: string;
  readonly tile: Tile;
  /** Of each candidate that the device runs, the fastest of its runs; in the order of `candidateTiles`. */
  readonly trials: readonly { readonly tile: Tile; readonly seconds: number }[];
}

/** Operands at bindings 0 and 1, again in fours at 2 and 3, the output at 4, scratch at 5; as 16 bits where they are so. */
export function tuningIO(isHalf: readonly boolean[] = []): ContractionIO & { readonly enables: readonly string[] } {
  const [x0, x1, y] = [0, 1, 2].map((i) => (isHalf[i] ? STORED_HALF : STORED.f32)) as [string, string, string];
  return {
    enables: isHalf.some(Boolean) ? [STORED_HALF] : [],
    declarations: `@group(0) @binding(0) var<storage, read> x0: array<${x0}>;
@group(0) @binding(1) var<storage, read> x1: array<${x1}>;
@group(0) @binding(2) var<storage, read> four0: array<vec4<${x0}>>;
@group(0) @binding(3) var<storage, read> four1: array<vec4<${x1}>>;
@group(0) @binding(4) var<storage, read_write> y: array<${y}>;
@group(0) @binding(5) var<storage, read_write> scratch: array<f32>;
`,
    load: (operand, index) => `f32(x${operand}[${index}])`,
    loadVec4: (operand, index) => `vec4<f32>(four${operand}[(${index}) / 4u])`,
    store: (index, value) => `y[${index}] = ${y}(${value});`,
  };
}
const SCRATCH: ScratchIO = {
  load: (index) => `scratch[${index}]`,
  store: (index, value) => `scratch[${index}] = ${value};`,
};
export interface TuneOptions {
  /** Timed runs of each candidate, in turn. Default 3. */
  readonly runs?: number;
  readonly mostCandidates?: number;
}

/**
 * Times the candidates on the device, `runs` each in turn, and gives the fastest; undefined when there is nothing to
 * compute, or the device has no room for it or runs none of them. The result is plain data: pinned, it makes the same
 * kernels.
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
  const io = tuningIO(types.isHalf);
  const planned = candidateTiles(problem, tuning)
    .slice(0, mostCandidates)
    .flatMap((tile) => {
      const plan = planIfPossible(node, types, io, { ...tuning, tile });
      return plan === undefined ? [] : [{ tile, plan }];
    });
  const sizes = [...types.inputs, types.output].map((type, i) => storedBytes(type, types.isHalf?.[i]));
  sizes.push(4 * Math.max(0, ...planned.map(({ plan }) => plan.scratchElements)));
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  if (Math.max(...sizes.map(paddedBytes)) > Math.min(maxBufferSize, maxStorageBufferBindingSize)) return undefined;
  const place = await placeOf(device, sizes);
  if (place === undefined) return undefined;
  try {
    const compiled = await Promise.all(
      planned.map(async ({ tile, plan: { dispatches } }): Promise<Candidate | undefined> => {
        const pipelines = await pipelinesOf(device, place.layout, dispatches, io.enables);
        return pipelines === undefined ? undefined : { tile, dispatches, pipelines };
      }),
    );
    const candidates = compiled.filter((each) => each !== undefined);
    const trials = await race(device, place.group, candidates, runs);
    const [fastest] = [...trials].sort((a, b) => a.seconds - b.seconds);
    const key = contractionKey(node.op, problem, types.isHalf);
    return fastest === undefined ? undefined : { key, tile: fastest.tile, trials };
  } finally {
    for (const buffer of place.buffers) buffer.destroy();
  }
}

/** Undefined where a tile needs more workgroups than a dispatch has. */
function planIfPossible(
  node: ContractionNode,
  types: ContractionTypes,
  io: ContractionIO,
  tuning: Tuning,
): ContractionPlan | undefined {
  try {
    return planContraction(node, types, io, tuning, SCRATCH);
  } catch (thrown) {
    if (thrown instanceof ShapeError) return undefined;
    throw thrown;
  }
}
