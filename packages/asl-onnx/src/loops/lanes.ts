import { SIMD } from "../wasm/instructions.js";
import { OPCODE } from "../wasm/module.js";
import { get, set, simd } from "./emit.js";
import type { Reduction } from "./plan.js";

const SUMMING = {
  reduceSum: { vectors: SIMD.add, numbers: OPCODE.f32Add, neutral: 0 },
  reduceMax: { vectors: SIMD.max, numbers: OPCODE.f32Max, neutral: Number.NEGATIVE_INFINITY },
} as const;

/** What changes no sum, or no maximum. */
export const neutralOf = ({ op }: Reduction): number => SUMMING[op].neutral;

/** The instruction on vectors that takes one element more in each lane. */
export const vectorsOf = ({ op }: Reduction) => SUMMING[op].vectors;

/** Code that puts all vectors into the first, and code that then leaves ((0, 1), (2, 3)) of its lanes as one number. */
export function acrossLanes({ op }: Reduction, locals: readonly number[]): { combined: number[]; total: number[] } {
  const { vectors, numbers } = SUMMING[op];
  const [first, ...others] = locals as readonly [number, ...number[]];
  const combined = others.flatMap((local) => [...get(first), ...get(local), ...simd(vectors), ...set(first)]);
  const lane = (i: number) => [...get(first), ...simd(SIMD.extractLane), i];
  return { combined, total: [...lane(0), ...lane(1), numbers, ...lane(2), ...lane(3), numbers, numbers] };
}
