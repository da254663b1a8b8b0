import type { Node } from "asl-core";
import type { DeviceTensor } from "../tensorflow.js";
import { type Convolution, channels, convolve, type Pair, spread, window } from "./convolution.js";
import type { Lowering } from "./lowering.js";
import { permuted } from "./movement.js";

const TO_CHANNELS_LAST = [0, 2, 3, 1];
const TO_CHANNELS_FIRST = [0, 3, 1, 2];

export function matmul(node: Node<"matmul">, lowering: Lowering): DeviceTensor {
  const [a, b] = node.inputs;
  return lowering.tf.matMul(lowering.full(a!), lowering.full(b!));
}

export function conv2d(node: Node<"conv2d">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const [x, kernel] = node.inputs;
  const images = permuted(tf, lowering.full(x!), TO_CHANNELS_LAST);
  return permuted(tf, convolve(images, lowering.full(kernel!), node.attrs, lowering), TO_CHANNELS_FIRST);
}

/**
 * The transpose of the convolution: the output's gradient, with stride - 1 zeros between its elements, convolved with the
 * flipped kernel whose input and output channels change places; padded by (dilated kernel - 1 - padding) before, and
 * after by what makes the result as large as the convolution's input.
 */
export function conv2dInputGrad(node: Node<"conv2dInputGrad">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const { strides, padding, dilations, groups, inputShape } = node.attrs;
  const [outputGrad, kernel] = node.inputs;
  const kernelShape = lowering.shape(kernel!);
  const channelsLast = permuted(tf, lowering.full(outputGrad!), TO_CHANNELS_LAST);
  const gradient = spread(spread(channelsLast, 1, strides[0], lowering), 2, strides[1], lowering);
  const widths = ([0, 1] as const).map((axis): Pair => {
    const reach = (kernelShape[axis + 2]! - 1) * dilations[axis];
    const before = reach - padding[axis][0];
    return [before, inputShape[axis + 2]! + reach - gradient.shape[axis + 1]! - before];
  });
  const flipped = flippedKernel(lowering.full(kernel!), groups, lowering);
  const convolution: Convolution = { strides: [1, 1], dilations, groups, padding: [widths[0]!, widths[1]!] };
  return permuted(tf, convolve(gradient, flipped, convolution, lowering), TO_CHANNELS_FIRST);
}

/** [O,C/g,kH,kW] -> [C,O/g,kH,kW], both spatial axes reversed. */
function flippedKernel(kernel: DeviceTensor, groups: number, { tf }: Lowering): DeviceTensor {
  const [out, perGroup, height, width] = kernel.shape as [number, number, number, number];
  const split = tf.reshape(kernel, [groups, out / groups, perGroup, height * width]);
  const swapped = permuted(tf, split, [0, 2, 1, 3]);
  const taps = tf.reshape(swapped, [groups * perGroup, out / groups, height * width]);
  return tf.reshape(tf.reverse(taps, 2), [groups * perGroup, out / groups, height, width]);
}

/**
 * dW[o,c,i,j] = sum over n,h,w of x[n,c,h*s+i*d-p,...] g[n,o,h,w]: for each tap (i, j) one matrix product of the shifted
 * x as [C, N*H'*W'] with g as [N*H'*W', O].
 */
export function conv2dKernelGrad(node: Node<"conv2dKernelGrad">, lowering: Lowering): DeviceTensor {
  const { tf } = lowering;
  const { padding, groups, kernelShape } = node.attrs;
  const [x, outputGrad] = node.inputs;
  const [batch, out, height, width] = lowering.shape(outputGrad!) as [number, number, number, number];
  const positions = batch * height * width;
  const gradient = tf.reshape(permuted(tf, lowering.full(outputGrad!), TO_CHANNELS_LAST), [positions, out]);
  // [N,C,H,W] -> [C,N,H,W], then padded
  const images = tf.pad(permuted(tf, lowering.full(x!), [1, 0, 2, 3]), [
    [0, 0],
    [0, 0],
    [...padding[0]],
    [...padding[1]],
  ]);
  const perGroup = kernelShape[1]!;
  const outPerGroup = out / groups;
  const parts = Array.from({ length: groups }, (_, group) => {
    const own = channels(images, 0, group, perGroup, lowering);
    const ownGradient = channels(gradient, 1, group, outPerGroup, lowering);
    return kernelGradOfGroup(node, own, ownGradient, [height, width], lowering);
  });
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
}

/** Images [C/g, N, H, W] with padding and gradient [N*H'*W', O/g] give [O/g, C/g, kH, kW]. */
function kernelGradOfGroup(
  { attrs: { strides, dilations, kernelShape } }: Node<"conv2dKernelGrad">,
  images: DeviceTensor,
  gradient: DeviceTensor,
  extents: Pair,
  lowering: Lowering,
): DeviceTensor {
  const { tf } = lowering;
  const [, perGroup, kernelHeight, kernelWidth] = kernelShape as readonly [number, number, number, number];
  const [positions, out] = gradient.shape as [number, number];
  const products: DeviceTensor[] = [];
  for (let i = 0; i < kernelHeight; i++) {
    for (let j = 0; j < kernelWidth; j++) {
      products.push(
        tf.tidy(() => {
          const from = [i * dilations[0], j * dilations[1]] as const;
          const shifted = window(images, 2, [from, extents, strides], lowering);
          return tf.matMul(tf.reshape(shifted, [perGroup, positions]), gradient);
        }),
      );
    }
  }
  const stacked = tf.reshape(tf.concat(products, 0), [kernelHeight * kernelWidth, perGroup, out]);
  return tf.reshape(permuted(tf, stacked, [2, 1, 0]), [out, perGroup, kernelHeight, kernelWidth]);
}
