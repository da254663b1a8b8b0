import {
  Builder,
  type Conv2dOptions,
  createRandom,
  EXACT_NUMERICS,
  f32,
  type Graph,
  grad,
  mul,
  NATIVE_NUMERICS,
  type Numerics,
  reduceSum,
  type Shape,
  sizeOf,
  type Tensors,
  type Value,
} from "asl-core";

/** One operation as exact and as native graph over the same feeds; output "y". */
export interface Operation {
  readonly name: string;
  readonly exact: Graph;
  readonly native: Graph;
  /** The gradients of sum y^2 / 2 with respect to each input. */
  readonly gradients: { readonly exact: Graph; readonly native: Graph };
  readonly feeds: Tensors;
  /** Where the native operation rounds as rarely: |error| <= roundings 2^-24 times `native` of `magnitudes`. */
  readonly bound?: { readonly roundings: number; readonly magnitudes: Tensors };
}

type Body = (numerics: Numerics, inputs: readonly Value[]) => Value;

function operation(name: string, shapes: readonly Shape[], body: Body, positive = false): Operation {
  const graphOf = (numerics: Numerics) => {
    const builder = new Builder();
    const inputs = shapes.map((shape, i) => builder.input(`x${i}`, { dtype: "f32", shape }));
    return builder.finish({ y: body(numerics, inputs) });
  };
  const gradientsOf = (numerics: Numerics) => {
    const builder = new Builder();
    const inputs = shapes.map((shape, i) => builder.input(`x${i}`, { dtype: "f32", shape }));
    const y = body(numerics, inputs);
    const gradients = grad(mul(reduceSum(mul(y, y)), 0.5), inputs);
    return builder.finish(Object.fromEntries(gradients.map((gradient, i) => [`x${i}`, gradient])));
  };
  const random = createRandom(1, "network operations", name);
  const element = () => (positive ? random.between(0.1, 3) : random.normal());
  const data = (shape: Shape) => Float32Array.from({ length: sizeOf(shape) }, element);
  return {
    name,
    exact: graphOf(EXACT_NUMERICS),
    native: graphOf(NATIVE_NUMERICS),
    gradients: { exact: gradientsOf(EXACT_NUMERICS), native: gradientsOf(NATIVE_NUMERICS) },
    feeds: Object.fromEntries(shapes.map((shape, i) => [`x${i}`, f32(shape, data(shape))])),
  };
}

const convolution = (name: string, x: Shape, kernel: Shape, options: Conv2dOptions = {}) =>
  operation(`convolution ${name}`, [x, kernel], (numerics, [a, b]) => numerics.conv2d(a!, b!, options));

const product = (name: string, a: Shape, b: Shape) =>
  operation(`matrix product ${name}`, [a, b], (numerics, [x, y]) => numerics.matmul(x!, y!));

const mean = (name: string, shape: Shape, axes: readonly number[]) =>
  operation(`mean ${name}`, [shape], (numerics, [x]) => numerics.mean(x!, axes));

export const OPERATIONS: readonly Operation[] = [
  convolution("3x3", [2, 12, 9, 8], [16, 12, 3, 3], { padding: 1 }),
  convolution("3x3 in parts of 1024 products", [1, 200, 6, 6], [16, 200, 3, 3], { padding: 1 }),
  convolution("3x3, stride 2, dilation 2", [2, 4, 11, 10], [8, 4, 3, 3], { stride: 2, dilation: 2, padding: 2 }),
  convolution("1x1", [3, 70, 5, 5], [24, 70, 1, 1]),
  convolution("3x3, 4 groups", [2, 16, 7, 7], [8, 4, 3, 3], { groups: 4, padding: 1 }),
  convolution("2 groups in parts", [1, 260, 4, 4], [4, 130, 3, 3], { groups: 2, padding: 1 }),
  convolution("3x3 depthwise, stride 2", [2, 16, 9, 9], [16, 1, 3, 3], { groups: 16, stride: 2 }),
  product("of matrices", [17, 300], [300, 20]),
  product("in parts of 1024 products", [3, 2500], [2500, 9]),
  product("in a batch", [2, 3, 5, 40], [2, 3, 40, 6]),
  mean("over images", [3, 8, 20, 19], [2, 3]),
  operation("sum", [[5, 2000]], (numerics, [x]) => numerics.sum(x!, [1])),
  meanOfFew(),
  batchNorm(),
];

function meanOfFew(): Operation {
  const made = mean("of few", [4, 7, 3, 2], [2, 3]);
  const x = made.feeds.x0!;
  const magnitudes = { x0: f32(x.type.shape, Float32Array.from(x.data, Math.abs)) };
  // five sums, 1 / 6 and the product
  return { ...made, bound: { roundings: 7, magnitudes } };
}

function batchNorm(): Operation {
  const shapes = [[2, 5, 4, 4], [5], [5], [5], [5]];
  const body: Body = (numerics, [x, scale, bias, average, variance]) =>
    numerics.batchNormEval(x!, scale!, bias!, average!, variance!, 1e-5);
  const made = operation("batch norm", shapes, body, true);
  const average = made.feeds.x3!;
  // x gain + mean gain + bias: everything else is positive
  const magnitudes = {
    ...made.feeds,
    x3: f32(
      [5],
      Float32Array.from(average.data, (value) => -value),
    ),
  };
  // variance + epsilon, 2 ulp of the inverse root, gain, its product, two sums
  return { ...made, bound: { roundings: 9, magnitudes } };
}
