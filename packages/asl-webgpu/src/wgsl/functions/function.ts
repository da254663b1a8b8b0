/** A WGSL function that kernels may call, and the functions that it calls itself. */
export interface WgslFunction {
  readonly needs: readonly string[];
  readonly text: string;
}
