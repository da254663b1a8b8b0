import { formatShape, type Node, ShapeError, sizeOf, type TensorType } from "asl-core";
import { directKernel } from "./direct.js";
import { frameOf } from "./frame.js";
import type { ContractionDispatch, ContractionIO, ContractionPlan, ScratchIO } from "./io.js";
import { splitAxis } from "./loops.js";
import { type ContractionOp, problemOf } from "./mappings.js";
import { extentOf, type GemmProblem, transposeProblem } from "./problem.js";
import { sumKernel } from "./sum-splits.js";
import { checkTile, chooseTile, contractionKey } from "./tile.js";
import type { Tile, Tuning } from "./tuning.js";
import { workgroupKernel } from "./workgroup.js";

export type ContractionNode = { readonly [K in ContractionOp]: Node<K> }[ContractionOp];

export interface ContractionTypes {
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  /** Whether each operand and, last, the result lies in a buffer of 16 bits. Default: none does. */
  readonly isHalf?: readonly boolean[];
}

const KERNELS = {
  buffers: directKernel,
  quads: directKernel,
  workgroup: workgroupKernel,
} as const satisfies Record<Tile["from"], typeof directKernel>;

/** Element numbers are i32 in the kernels: they must not wrap. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/**
 * The kernels of matmul, conv2d, conv2dInputGrad or conv2dKernelGrad. Throws ShapeError when a tensor has more elements
 * than an index holds, or more workgroups are needed than a dispatch has.
 */
export function planContraction(
  node: ContractionNode,
  types: ContractionTypes,
  io: ContractionIO,
  tuning: Tuning,
  scratch: ScratchIO,
): ContractionPlan {
  const { op, scope } = node;
  for (const { shape } of [...types.inputs, types.output]) {
    if (sizeOf(shape) > MOST_ELEMENTS) {
      throw new ShapeError(
        op,
        `${formatShape(shape)} has ${sizeOf(shape)} elements; WebGPU kernels index at most ${MOST_ELEMENTS}`,
        scope,
      );
    }
  }
  const problem = problemOf(op, types.inputs, types.output, node.attrs);
  const outputs = sizeOf(types.output.shape);
  if (outputs === 0) return { dispatches: [], scratchElements: 0, flops: 0 };
  const chosen =
    tuning.tile ?? tuning.pinned?.[contractionKey(op, problem, types.isHalf)] ?? chooseTile(problem, tuning);
  const oriented = chosen.transposed === true ? transposeProblem(problem) : problem;
  const isSplit = splitAxis(oriented, chosen.splits) !== undefined;
  const tile = isSplit ? chosen : { ...chosen, splits: 1 };
  checkTile(tile, tuning, node);
  const frame = frameOf(oriented, tile, tuning.limits, node);
  const shape = describe(problem);
  const main: ContractionDispatch = {
    label: `${op} ${shape}`,
    enables: tile.from === "quads" ? ["subgroups"] : [],
    wgsl: KERNELS[tile.from](oriented, tile, io, scratch, frame),
    workgroups: frame.workgroups,
    usesScratch: isSplit,
    isLast: !isSplit,
  };
  const flops = 2 * outputs * extentOf(problem.k);
  if (!isSplit) return { dispatches: [main], scratchElements: 0, flops };
  const sum = sumKernel(oriented, tile.splits, io, scratch, tuning.limits, node);
  return {
    dispatches: [
      main,
      { ...sum, label: `${op} ${shape}, sum of ${tile.splits} parts`, enables: [], usesScratch: true, isLast: true },
    ],
    scratchElements: outputs * tile.splits,
    flops,
  };
}

/** "m 64 n 3136 k 576", with "batch 32" in front when there are several products. */
function describe({ batch, m, n, k }: GemmProblem): string {
  const product = `m ${extentOf(m)} n ${extentOf(n)} k ${extentOf(k)}`;
  return extentOf(batch) === 1 ? product : `batch ${extentOf(batch)} ${product}`;
}
