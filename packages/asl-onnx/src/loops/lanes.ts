import { SIMD } from "../wasm/instructions.js";
import { OPCODE } from "../wasm/module.js";
import { at, get, integer, set, simd } from "./emit.js";
import { END, type Locals, PART } from "./locals.js";
import type { LoopMemory } from "./memory.js";
import { ELEMENT_BYTES, type Reduction, type Stage } from "./plan.js";

const SUMMING = {
  reduceSum: { vectors: SIMD.add, numbers: OPCODE.f32Add, neutral: 0 },
  reduceMax: { vectors: SIMD.max, numbers: OPCODE.f32Max, neutral: Number.NEGATIVE_INFINITY },
} as const;

/** What changes no sum, or no maximum. */
export const neutralOf = ({ op }: Reduction): number => SUMMING[op].neutral;

/** The instruction on vectors that takes one element more in each lane. */
export const vectorsOf = ({ op }: Reduction) => SUMMING[op].vectors;

/** Sums and maxima are kept for each lane until the row, or the part of a loop, ends. */
export interface Accumulator {
  readonly node: Reduction;
  readonly locals: Locals;
}

/** Leaves all lanes as one number: at the row's place in the result, or at the part's among the parts. */
export function total({ node, locals }: Accumulator, { columns }: Stage, { addresses, parts }: LoopMemory): number[] {
  const { vectors, numbers } = SUMMING[node.op];
  const [first, ...others] = locals as readonly [number, ...number[]];
  const combined = others.flatMap((local) => [...get(first), ...get(local), ...simd(vectors), ...set(first)]);
  const lane = (i: number) => [...get(first), ...simd(SIMD.extractLane), i];
  // ((0, 1), (2, 3))
  const number = [...lane(0), ...lane(1), numbers, ...lane(2), ...lane(3), numbers, numbers];
  const ofParts = parts.get(node.output);
  if (ofParts !== undefined) return [...combined, ...get(PART), ...number, OPCODE.f32Store, ...at(ofParts)];
  const row = [...get(END), ...integer(columns * ELEMENT_BYTES), OPCODE.i32DivideUnsigned];
  const place = [...row, ...integer(ELEMENT_BYTES), OPCODE.i32Multiply];
  // END is that of this row: the first row is number 1
  return [...combined, ...place, ...number, OPCODE.f32Store, ...at(addresses.get(node.output)! - ELEMENT_BYTES)];
}
