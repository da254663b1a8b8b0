import type { Deviation } from "../report.js";

/** Cases that share one reason. */
const because = (reason: string, ...cases: readonly string[]): Deviation[] =>
  cases.map((name) => ({ case: name, reason }));

const ONE_ARGUMENT = "of +0 and -0 it keeps the argument that comes first or last, not the larger or smaller";

/** What ONNX Runtime does wherever it runs. */
const ONNX_ANYWHERE_DEVIATIONS: readonly Deviation[] = [
  ...because(ONE_ARGUMENT, "max/edge/zeros", "min/edge/zeros", "reduceMax/edge/zeros"),
  ...because("ONNX Runtime's ReduceMax may drop a NaN that is not the first element", "reduceMax/edge/nan"),
  ...because(
    "what is left for ONNX Runtime of a program that only moves state is an empty graph, which it does not load",
    "session/a-program-may-only-move-state",
  ),
];

export const ONNX_DEVIATIONS: readonly Deviation[] = [
  ...ONNX_ANYWHERE_DEVIATIONS,
  ...because(
    "ONNX Runtime's Where adds the two choices, one of them masked to 0: -0 becomes +0",
    "select/edge/not-chosen-nan",
    "select/edge/special-numbers",
  ),
];

export const TFJS_CPU_DEVIATIONS: readonly Deviation[] = [
  ...because(ONE_ARGUMENT, "reduceMax/edge/zeros"),
  ...because("TensorFlow.js pads with +0 where -0 is asked for", "pad/edge/minus-zero"),
];

export const TFJS_WASM_DEVIATIONS: readonly Deviation[] = [
  ...TFJS_CPU_DEVIATIONS,
  ...because(ONE_ARGUMENT, "max/edge/zeros", "min/edge/zeros"),
];

/** Dawn on SwiftShader; WGSL lets every device do so. */
export const WEBGPU_DEVIATIONS: readonly Deviation[] = because(
  "the device reads and writes denormals (below 1.2e-38) as 0 when it adds, multiplies, divides and takes roots",
  "add/edge/denormals",
  "sub/edge/denormals",
  "mul/edge/denormals",
  "div/edge/denormals",
  "sqrt/edge/denormals",
);

const FLUSHED = "reads and writes denormals as 0";
const FLUSHING = ["add", "sub", "mul", "div", "sqrt", "floor", "log", "max", "min", "less", "equal", "reduceMax"];
const FLUSHING_CASES = [...FLUSHING.map((op) => `${op}/edge/denormals`), "cast/edge/denormals-to-bool"];
const ONE_ARGUMENT_CASES = ["max/edge/zeros", "min/edge/zeros", "reduceMax/edge/zeros"];

/** TensorFlow's library sets the processor so. */
export const TFJS_NODE_DEVIATIONS: readonly Deviation[] = [
  ...because(ONE_ARGUMENT, ...ONE_ARGUMENT_CASES),
  ...because(FLUSHED, ...FLUSHING_CASES),
];

/** On SwiftShader; other devices have not been tried. */
export const ONNX_WEBGPU_DEVIATIONS: readonly Deviation[] = [
  ...ONNX_ANYWHERE_DEVIATIONS,
  // logarithms are left to the processor
  ...because(FLUSHED, ...FLUSHING_CASES.filter((name) => !name.startsWith("log/")), "neg/edge/denormals"),
];

/** On SwiftShader; other devices have not been tried. */
export const TFJS_GPU_DEVIATIONS: readonly Deviation[] = [
  ...because(ONE_ARGUMENT, ...ONE_ARGUMENT_CASES),
  ...because(
    "TensorFlow.js moves int32 as float32: whole numbers beyond 2^24 are rounded",
    ...["broadcast", "concat", "pad", "slice", "transpose"].map((op) => `${op}/edge/i32`),
  ),
  ...because(
    FLUSHED,
    ...FLUSHING_CASES,
    "neg/edge/denormals",
    "gather/edge/special-numbers",
    "pad/edge/edge-special-numbers",
  ),
];
