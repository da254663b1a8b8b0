import { ShapeError } from "../errors/errors.js";
import { formatShape, formatType, type Shape, sameShape, type TensorType } from "../types/tensor.js";
import type { NoAttrs, OpDefinition, Traits } from "./contract.js";

const CONTRACTION: Traits = { contraction: true };

function requireF32(op: string, names: readonly string[], inputs: readonly TensorType[], scope: string): void {
  inputs.forEach((type, i) => {
    if (type.dtype !== "f32") throw new ShapeError(op, `${names[i]} must be f32; got ${formatType(type)}`, scope);
  });
}

/** [..., M, K] x [..., K, N] -> [..., M, N]; leading dimensions equal. */
export const matmul: OpDefinition<NoAttrs> = {
  arguments: ["a", "b"],
  infer([a, b], _attrs, scope) {
    requireF32("matmul", ["a", "b"], [a!, b!], scope);
    const rank = a!.shape.length;
    const fits =
      rank >= 2 &&
      b!.shape.length === rank &&
      sameShape(a!.shape.slice(0, -2), b!.shape.slice(0, -2)) &&
      a!.shape[rank - 1] === b!.shape[rank - 2];
    if (!fits) {
      throw new ShapeError(
        "matmul",
        `a ${formatType(a!)} and b ${formatType(b!)} must be [..., M, K] and [..., K, N]`,
        scope,
      );
    }
    return { dtype: "f32", shape: [...a!.shape.slice(0, -1), b!.shape[rank - 1]!] };
  },
  accuracy: { kind: "sum", terms: ([a]) => a!.shape[a!.shape.length - 1]! },
  traits: CONTRACTION,
};

/** Geometry of a 2-d convolution; [height, width] order. */
export interface Conv2dAttrs {
  readonly strides: readonly [number, number];
  /** [[top, bottom], [left, right]], zeros. */
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
  readonly dilations: readonly [number, number];
  readonly groups: number;
}

export interface Conv2dInputGradAttrs extends Conv2dAttrs {
  /** Shape of the convolution's input. */
  readonly inputShape: Shape;
}

export interface Conv2dKernelGradAttrs extends Conv2dAttrs {
  /** Shape of the convolution's kernel. */
  readonly kernelShape: Shape;
}

/** Output extent along axis 0 (height) or 1 (width) of a convolution: floor((in + pad - dilated kernel) / stride) + 1. */
export function convolvedExtent(extent: number, kernel: number, axis: 0 | 1, attrs: Conv2dAttrs): number {
  const [before, after] = attrs.padding[axis];
  const dilated = (kernel - 1) * attrs.dilations[axis] + 1;
  return Math.floor((extent + before + after - dilated) / attrs.strides[axis]) + 1;
}

function inferConv(op: string, x: Shape, kernel: Shape, attrs: Conv2dAttrs, scope: string): Shape {
  if (x.length !== 4 || kernel.length !== 4) {
    throw new ShapeError(
      op,
      `x ${formatShape(x)} must be [N,C,H,W] and kernel ${formatShape(kernel)} [O,C/groups,kH,kW]`,
      scope,
    );
  }
  const [batch, channels, height, width] = x as [number, number, number, number];
  const [out, perGroup, kernelHeight, kernelWidth] = kernel as [number, number, number, number];
  const { groups } = attrs;
  if (perGroup * groups !== channels) {
    const grouped = groups === 1 ? "" : ` (${groups} groups)`;
    throw new ShapeError(
      op,
      `kernel ${formatShape(kernel)} needs ${perGroup * groups} input channels${grouped}; x ${formatShape(x)} has ${channels}`,
      scope,
    );
  }
  if (out % groups !== 0) {
    throw new ShapeError(
      op,
      `kernel ${formatShape(kernel)}: ${out} output channels do not divide into ${groups} groups`,
      scope,
    );
  }
  const outHeight = convolvedExtent(height, kernelHeight, 0, attrs);
  const outWidth = convolvedExtent(width, kernelWidth, 1, attrs);
  if (outHeight < 1 || outWidth < 1) {
    throw new ShapeError(
      op,
      `kernel ${formatShape(kernel)} does not fit into x ${formatShape(x)} with padding ${JSON.stringify(attrs.padding)}`,
      scope,
    );
  }
  return [batch, out, outHeight, outWidth];
}

/** Cross-correlation of x [N,C,H,W] with kernel [O,C/groups,kH,kW], as PyTorch's conv2d. */
export const conv2d: OpDefinition<Conv2dAttrs> = {
  arguments: ["x", "kernel"],
  infer([x, kernel], attrs, scope) {
    requireF32("conv2d", ["x", "kernel"], [x!, kernel!], scope);
    return { dtype: "f32", shape: inferConv("conv2d", x!.shape, kernel!.shape, attrs, scope) };
  },
  accuracy: { kind: "sum", terms: ([, kernel]) => kernel!.shape[1]! * kernel!.shape[2]! * kernel!.shape[3]! },
  traits: CONTRACTION,
};

/** Gradient of conv2d with respect to x, from the output's gradient [N,O,H',W'] and the kernel. */
export const conv2dInputGrad: OpDefinition<Conv2dInputGradAttrs> = {
  arguments: ["outputGrad", "kernel"],
  infer([outputGrad, kernel], attrs, scope) {
    requireF32("conv2dInputGrad", ["outputGrad", "kernel"], [outputGrad!, kernel!], scope);
    const expected = inferConv("conv2dInputGrad", attrs.inputShape, kernel!.shape, attrs, scope);
    if (!sameShape(expected, outputGrad!.shape)) {
      throw new ShapeError(
        "conv2dInputGrad",
        `outputGrad must be ${formatShape(expected)}; got ${formatType(outputGrad!)}`,
        scope,
      );
    }
    return { dtype: "f32", shape: attrs.inputShape };
  },
  accuracy: {
    kind: "sum",
    terms: ([, kernel], { groups }) => (kernel!.shape[0]! / groups) * kernel!.shape[2]! * kernel!.shape[3]!,
  },
  traits: CONTRACTION,
};

/** Gradient of conv2d with respect to the kernel, from x and the output's gradient. */
export const conv2dKernelGrad: OpDefinition<Conv2dKernelGradAttrs> = {
  arguments: ["x", "outputGrad"],
  infer([x, outputGrad], attrs, scope) {
    requireF32("conv2dKernelGrad", ["x", "outputGrad"], [x!, outputGrad!], scope);
    const expected = inferConv("conv2dKernelGrad", x!.shape, attrs.kernelShape, attrs, scope);
    if (!sameShape(expected, outputGrad!.shape)) {
      throw new ShapeError(
        "conv2dKernelGrad",
        `outputGrad must be ${formatShape(expected)}; got ${formatType(outputGrad!)}`,
        scope,
      );
    }
    return { dtype: "f32", shape: attrs.kernelShape };
  },
  accuracy: {
    kind: "sum",
    terms: ([, outputGrad]) => outputGrad!.shape[0]! * outputGrad!.shape[2]! * outputGrad!.shape[3]!,
  },
  traits: CONTRACTION,
};
