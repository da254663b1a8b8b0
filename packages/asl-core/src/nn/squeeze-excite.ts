import { add, mul } from "../functions/elementwise.js";
import { reshape, transpose } from "../functions/shape.js";
import type { Value } from "../graph/builder.js";
import { relu } from "./activation.js";
import { NATIVE_NUMERICS, type Numerics } from "./numerics.js";
import { globalMean } from "./pooling.js";

/** y = x W^T + b; x: [N,I], weight: [O,I], bias: [O]. */
export function linear(x: Value, weight: Value, bias: Value, { matmul }: Numerics = NATIVE_NUMERICS): Value {
  return add(matmul(x, transpose(weight, [1, 0])), bias);
}

/** A 1x1 convolution's kernel [O,I,1,1] as the matrix [O,I]. */
const asMatrix = (kernel: Value) => reshape(kernel, kernel.shape.slice(0, 2));

export interface SqueezeExciteWeights {
  /** [reduced, C, 1, 1] and [reduced]. */
  readonly fc1: { readonly weight: Value; readonly bias: Value };
  /** [C, reduced, 1, 1] and [C]. */
  readonly fc2: { readonly weight: Value; readonly bias: Value };
}

/** x * sigmoid(fc2(relu(fc1(mean x)))), per picture and channel. Hu et al. 2018; biases as in TResNet. */
export function squeezeExcite(
  x: Value,
  { fc1, fc2 }: SqueezeExciteWeights,
  numerics: Numerics = NATIVE_NUMERICS,
): Value {
  const squeezed = relu(linear(globalMean(x, numerics), asMatrix(fc1.weight), fc1.bias, numerics));
  const gate = numerics.sigmoid(linear(squeezed, asMatrix(fc2.weight), fc2.bias, numerics));
  return mul(x, x.builder.apply("broadcast", [gate], { shape: x.shape, axes: [0, 1] }));
}
