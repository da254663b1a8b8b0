/** How a contraction's kernels reach their operands and their output: WGSL text that reads or writes one element. */
export interface ContractionIO {
  /** Module-scope declarations that the callbacks need: bindings, uniforms, functions. */
  readonly declarations: string;
  /** f32 expression of element `index` (u32 expression, row-major) of operand 0 or 1, fused with its producers. */
  load(operand: 0 | 1, index: string): string;
  /** vec4<f32> expression of elements index to index + 3 (index % 4 == 0); undefined when the operand is no plain f32 buffer. */
  loadVec4?(operand: 0 | 1, index: string): string | undefined;
  /** Statements that store `value` (f32 expression) as element `index` of the output, through the fused epilogue. */
  store(index: string, value: string): string;
}

/** The f32 buffer that holds the partial sums of a contraction that is split over its terms. */
export interface ScratchIO {
  load(index: string): string;
  store(index: string, value: string): string;
}

/** One compute dispatch; its entry point is called "main". */
export interface ContractionDispatch {
  readonly label: string;
  /** WGSL extensions that the module must enable, at its very beginning: `enable NAME;`. */
  readonly enables: readonly string[];
  /** The module after its `enable` directives. */
  readonly wgsl: string;
  readonly workgroups: readonly [number, number, number];
  readonly usesScratch: boolean;
  /** Stores the output; the others store partial sums to scratch. */
  readonly isLast: boolean;
}

export interface ContractionPlan {
  /** In order; none when the output has no elements. */
  readonly dispatches: readonly ContractionDispatch[];
  /** f32 elements of scratch that the dispatches share. */
  readonly scratchElements: number;
  /** Multiplications and additions, those with the zeros of padding included. */
  readonly flops: number;
}
