import {
  type AttrsOf,
  build,
  type Conv2dAttrs,
  cast,
  concat,
  floor,
  i32,
  mul,
  type OpName,
  type OpTable,
  type PadMode,
  type Shape,
  stopGradient,
  type TensorData,
  type Value,
} from "asl-core";
import { bool } from "./apply.js";
import { type TensorFunction, uniform } from "./finite-differences.js";

/** A function that uses the op, at a point where it is smooth. */
export interface GradientCase {
  readonly title: string;
  readonly f: TensorFunction;
  readonly inputs: readonly TensorData[];
}

const of =
  <K extends OpName>(op: K, attrs: AttrsOf<K>): TensorFunction =>
  (...inputs) =>
    inputs[0]!.builder.apply(op, inputs, attrs);

const unary = (op: OpName, x: TensorData, title = "f32[2,3]"): GradientCase => ({ title, f: of(op, {}), inputs: [x] });

const shape = [2, 3];
const x = uniform(shape, 1);
/** Away from 0, so that no element crosses it in a difference quotient. */
const positive = uniform(shape, 2, 0.2, 2);
const negative = uniform(shape, 3, -2, -0.2);
/** At least 0.1 from x on either side. */
const apart: TensorData = {
  type: x.type,
  data: Float64Array.from(x.data, (value, i) => value + (i % 2 === 0 ? 0.1 : -0.1) * (1 + i)),
};

const convolution = (
  title: string,
  xShape: Shape,
  kernelShape: Shape,
  attrs: Partial<Conv2dAttrs> = {},
): { title: string; xShape: Shape; kernelShape: Shape; attrs: Conv2dAttrs } => ({
  title,
  xShape,
  kernelShape,
  attrs: {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilations: [1, 1],
    groups: 1,
    ...attrs,
  },
});

const border1: Conv2dAttrs["padding"] = [
  [1, 1],
  [1, 1],
];

/** The geometries of TResNet, and those that only the op's contract allows. */
const CONVOLUTIONS = [
  convolution("1x1 (bottleneck, shortcut)", [2, 3, 3, 2], [4, 3, 1, 1]),
  convolution("3x3, zeros around (every block)", [2, 2, 4, 3], [3, 2, 3, 3], { padding: border1 }),
  convolution("3x3, stride 2", [2, 2, 5, 4], [3, 2, 3, 3], { padding: border1, strides: [2, 2] }),
  convolution("depthwise 3x3, stride 2 (blur-pool)", [2, 3, 6, 5], [3, 1, 3, 3], { strides: [2, 2], groups: 3 }),
  convolution("2 groups of 2 to 3 channels", [1, 4, 4, 4], [6, 2, 3, 3], { padding: border1, groups: 2 }),
  convolution("uneven border, strides and dilations", [1, 2, 7, 6], [2, 2, 3, 2], {
    strides: [2, 1],
    padding: [
      [2, 0],
      [1, 3],
    ],
    dilations: [2, 3],
  }),
  convolution("stride that leaves the last row and column unread", [1, 1, 6, 6], [2, 1, 3, 3], { strides: [2, 2] }),
  convolution("1x1, stride 3: most of the input unread", [1, 2, 5, 5], [2, 2, 1, 1], { strides: [3, 3] }),
];

/** Shape of the output of a convolution. */
function convolved({ xShape, kernelShape, attrs }: (typeof CONVOLUTIONS)[number]): Shape {
  const graph = build((b) => ({
    y: b.apply(
      "conv2d",
      [b.input("x", { dtype: "f32", shape: xShape }), b.input("k", { dtype: "f32", shape: kernelShape })],
      attrs,
    ),
  }));
  return graph.types[graph.outputs.y!]!.shape;
}

const padCase = (title: string, mode: PadMode, low: number[], high: number[], xShape: Shape): GradientCase => ({
  title: `${mode}: ${title}`,
  f: of("pad", { low, high, mode, value: 3 }),
  inputs: [uniform(xShape, 5)],
});

const reduceCases = (op: "reduceSum" | "reduceMax"): GradientCase[] =>
  [[0], [1], [0, 2, 3], [2, 3], [3, 5], [0, 1, 2, 3], []].map((axes) => {
    const xShape = axes.includes(5) ? [1, 2, 2, 2, 2, 2] : [2, 3, 2, 2];
    return { title: `f32[${xShape}] over [${axes}]`, f: of(op, { axes }), inputs: [uniform(xShape, 6)] };
  });

const toReal =
  (f: TensorFunction): TensorFunction =>
  (...inputs) =>
    cast(f(...inputs), "f32");

/** Every op in every combination of attributes that TResNet and the losses use, and more. */
export const GRADIENT_CASES: OpTable<{ [K in OpName]: readonly GradientCase[] }> = {
  constant: [{ title: "depends on nothing", f: (a) => a!.builder.constant(x), inputs: [x] }],
  neg: [unary("neg", x), unary("neg", uniform([], 1), "a scalar"), unary("neg", uniform([2, 0], 1), "an empty axis")],
  abs: [unary("abs", positive, "x > 0"), unary("abs", negative, "x < 0")],
  floor: [unary("floor", uniform(shape, 4, 0.1, 0.9), "between steps")],
  exp: [unary("exp", x)],
  log: [unary("log", positive)],
  sqrt: [unary("sqrt", positive)],
  sigmoid: [unary("sigmoid", x), unary("sigmoid", uniform(shape, 8, -12, 12), "far from 0")],
  add: [{ title: "a + b", f: of("add", {}), inputs: [x, apart] }],
  sub: [{ title: "a - b", f: of("sub", {}), inputs: [x, apart] }],
  mul: [
    { title: "a b", f: of("mul", {}), inputs: [x, apart] },
    { title: "a a: both arguments are one value", f: (a) => mul(a!, a!), inputs: [x] },
  ],
  div: [
    { title: "a / b, b > 0", f: of("div", {}), inputs: [x, positive] },
    { title: "a / b, b < 0", f: of("div", {}), inputs: [x, negative] },
  ],
  pow: [
    { title: "a^b, a > 0", f: of("pow", {}), inputs: [positive, uniform(shape, 9, 0.5, 4)] },
    { title: "a^b, a > 0, b < 0", f: of("pow", {}), inputs: [positive, negative] },
    ...[0, 1, 2, 4].map((exponent) => ({
      title: `a^${exponent}, a > 0`,
      f: (a?: Value) => a!.builder.apply("pow", [a!, repeated(a!, exponent)], {}),
      inputs: [positive],
    })),
  ],
  max: [{ title: "away from ties", f: of("max", {}), inputs: [x, apart] }],
  min: [{ title: "away from ties", f: of("min", {}), inputs: [x, apart] }],
  less: [{ title: "away from ties", f: toReal(of("less", {})), inputs: [x, apart] }],
  equal: [{ title: "away from ties", f: toReal(of("equal", {})), inputs: [x, apart] }],
  select: [
    {
      title: "mixed condition",
      f: of("select", {}),
      inputs: [bool(shape, [1, 0, 0, 1, 1, 0]), x, apart],
    },
  ],
  cast: [
    { title: "f32 to f32", f: of("cast", { to: "f32" }), inputs: [x] },
    { title: "f32 to i32 and back: a step function", f: toReal(of("cast", { to: "i32" })), inputs: [positive] },
    { title: "f32 to bool and back: a step function", f: toReal(of("cast", { to: "bool" })), inputs: [positive] },
  ],
  // What the cut itself does is a rule of its own, below: no difference quotient can see it.
  stopGradient: [
    { title: "of a step function, as a factor", f: (a) => mul(a!, stopGradient(floor(a!))), inputs: [positive] },
  ],
  reduceSum: reduceCases("reduceSum"),
  reduceMax: reduceCases("reduceMax"),
  reshape: [{ title: "f32[2,3] to f32[3,1,2]", f: of("reshape", { shape: [3, 1, 2] }), inputs: [x] }],
  transpose: [
    { title: "a matrix", f: of("transpose", { permutation: [1, 0] }), inputs: [x] },
    {
      title: "a cycle of three axes, whose inverse is another permutation",
      f: of("transpose", { permutation: [2, 0, 1] }),
      inputs: [uniform([2, 3, 4], 12)],
    },
    {
      title: "space-to-depth's",
      f: of("transpose", { permutation: [0, 3, 5, 1, 2, 4] }),
      inputs: [uniform([1, 3, 2, 2, 1, 2], 13)],
    },
  ],
  broadcast: [
    { title: "a scalar", f: of("broadcast", { shape: [2, 3], axes: [] }), inputs: [uniform([], 1)] },
    { title: "[C] along [N,C,H,W]", f: of("broadcast", { shape: [2, 3, 2, 2], axes: [1] }), inputs: [uniform([3], 1)] },
    { title: "[N,C] along [N,C,H,W]", f: of("broadcast", { shape: [2, 3, 2, 2], axes: [0, 1] }), inputs: [x] },
    { title: "[N,C] along [A,N,C]", f: of("broadcast", { shape: [4, 2, 3], axes: [1, 2] }), inputs: [x] },
    { title: "onto itself", f: of("broadcast", { shape: [2, 3], axes: [0, 1] }), inputs: [x] },
  ],
  pad: (["constant", "reflect", "edge"] as const).flatMap((mode) => [
    padCase("by 1 around pictures (blur-pool)", mode, [0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 4, 3]),
    padCase("of 2 rows, where all elements are mirrored", mode, [1, 1], [1, 1], [2, 2]),
    padCase("unevenly, 0 on one side", mode, [3, 0], [1, 2], [4, 3]),
    padCase("after odd edges only (average pool)", mode, [0, 0, 0, 0], [0, 0, 1, 1], [1, 2, 3, 3]),
  ]),
  slice: [
    { title: "the inside", f: of("slice", { starts: [1, 1], ends: [3, 3] }), inputs: [uniform([4, 4], 14)] },
    { title: "the end of one axis", f: of("slice", { starts: [0, 2], ends: [2, 3] }), inputs: [x] },
    { title: "nothing", f: of("slice", { starts: [0, 1], ends: [2, 1] }), inputs: [x] },
  ],
  concat: [
    { title: "two parts on axis 0", f: of("concat", { axis: 0 }), inputs: [x, apart] },
    {
      title: "three parts of different extents on axis 1",
      f: of("concat", { axis: 1 }),
      inputs: [x, uniform([2, 1], 15), uniform([2, 2], 16)],
    },
    { title: "one value twice", f: (a) => concat([a!, a!], 1), inputs: [x] },
  ],
  gather: [
    {
      title: "rows, one three times, one never",
      f: of("gather", { axis: 0 }),
      inputs: [uniform([4, 3], 17), i32([5], [2, 0, 2, 2, 1])],
    },
    {
      title: "a middle axis at a matrix of indices",
      f: of("gather", { axis: 1 }),
      inputs: [uniform([2, 3, 2], 18), i32([2, 2], [2, 2, 0, 1])],
    },
    { title: "a scalar index", f: of("gather", { axis: 1 }), inputs: [x, i32([], [2])] },
    { title: "no index", f: of("gather", { axis: 0 }), inputs: [x, i32([0], [])] },
  ],
  matmul: [
    { title: "[2,3] x [3,4]", f: of("matmul", {}), inputs: [x, uniform([3, 4], 19)] },
    { title: "a batch", f: of("matmul", {}), inputs: [uniform([2, 2, 2, 3], 20), uniform([2, 2, 3, 1], 21)] },
    { title: "an empty inner dimension", f: of("matmul", {}), inputs: [uniform([2, 0], 1), uniform([0, 3], 1)] },
  ],
  conv2d: CONVOLUTIONS.map(({ title, xShape, kernelShape, attrs }) => ({
    title,
    f: of("conv2d", attrs),
    inputs: [uniform(xShape, 22), uniform(kernelShape, 23)],
  })),
  conv2dInputGrad: CONVOLUTIONS.map((geometry) => ({
    title: geometry.title,
    f: of("conv2dInputGrad", { ...geometry.attrs, inputShape: geometry.xShape }),
    inputs: [uniform(convolved(geometry), 24), uniform(geometry.kernelShape, 25)],
  })),
  conv2dKernelGrad: CONVOLUTIONS.map((geometry) => ({
    title: geometry.title,
    f: of("conv2dKernelGrad", { ...geometry.attrs, kernelShape: geometry.kernelShape }),
    inputs: [uniform(geometry.xShape, 26), uniform(convolved(geometry), 27)],
  })),
};

/** `value` in the shape of `like`. */
function repeated(like: Value, value: number): Value {
  const { builder } = like;
  return builder.apply("broadcast", [builder.constant(value)], { shape: like.shape, axes: [] });
}
