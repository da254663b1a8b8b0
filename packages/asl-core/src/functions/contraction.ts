import type { Value } from "../graph/builder.js";
import type { Conv2dAttrs } from "../ops/contraction.js";

/** [..., M, K] x [..., K, N]. */
export const matmul = (a: Value, b: Value) => a.builder.apply("matmul", [a, b], {});

export interface Conv2dOptions {
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** x: [N,C,H,W], kernel: [O,C/groups,kH,kW]. */
export function conv2d(x: Value, kernel: Value, options: Conv2dOptions = {}): Value {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const attrs: Conv2dAttrs = {
    strides: [stride, stride],
    padding: [
      [padding, padding],
      [padding, padding],
    ],
    dilations: [dilation, dilation],
    groups,
  };
  return x.builder.apply("conv2d", [x, kernel], attrs);
}
