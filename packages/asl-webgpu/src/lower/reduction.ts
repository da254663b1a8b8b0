import type { ReductionLowering } from "./lowering.js";

export const reduceSum: ReductionLowering = {
  kind: "reduction",
  start: () => "0.0",
  combine: (a, b) => `${a} + ${b}`,
};

/** NaN when an element is NaN; 0 of {-0, 0}. */
export const reduceMax: ReductionLowering = {
  kind: "reduction",
  start: () => "bitcast<f32>(0xff800000u ^ zero)",
  combine: (a, b, call) => call("max_f32", a, b),
};
