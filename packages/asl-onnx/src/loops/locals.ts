import type { DType } from "asl-core";
import { SIMD } from "../wasm/instructions.js";
import { elementBits } from "./elements.js";
import { set, simd } from "./emit.js";

/** Arguments of a loop's function: byte offset of the vector, which moves, and of the end; place of the part. Then where the row ends. */
export const [OFFSET, TO, PART, END, FIRST_VECTOR] = [0, 1, 2, 3, 4] as const;

export const LANES = [0, 1, 2, 3] as const;

/** Locals of a value: one for each vector of a turn; the same in all where they are equal. */
export type Locals = readonly number[];

/** The locals of a loop's function that hold vectors, and what is set before the loop. */
export class VectorLocals {
  /** Code that runs once. */
  readonly before: number[] = [];
  /** Locals that hold the same in every turn. */
  readonly uniform = new Set<number>();
  readonly #constants = new Map<string, number>();
  #next = FIRST_VECTOR as number;

  get count(): number {
    return this.#next - FIRST_VECTOR;
  }

  allocate(): number {
    return this.#next++;
  }

  /** A number in all lanes. */
  number(value: number, dtype: DType): number {
    return this.constant(splat(elementBits(value, dtype)));
  }

  constant(bytes: ArrayLike<number>): number {
    const key = Array.from(bytes).join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const local = this.allocate();
    this.before.push(...simd(SIMD.constant), ...Array.from(bytes), ...set(local));
    this.#constants.set(key, local);
    this.uniform.add(local);
    return local;
  }
}

export const splat = (element: Uint8Array): number[] => LANES.flatMap(() => [...element]);
