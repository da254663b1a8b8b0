import type { Node } from "asl-core";
import { convolutionAttributes, isPointwise } from "./convolution-attributes.js";
import type { Operand } from "./extent.js";
import { kernelGradBatchLast } from "./kernel-grad-batch-last.js";
import { kernelGradChannelsFirst } from "./kernel-grad-channels-first.js";
import type { Lowering } from "./lowering.js";

export function conv2dKernelGrad(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  if (node.attrs.groups !== 1) return byConvolution(node, lowering);
  return channelsFirstIsFaster(node, lowering)
    ? kernelGradChannelsFirst(node, lowering)
    : kernelGradBatchLast(node, lowering);
}

/** Fewer positions than this for an output channel: turning the product's elements costs more than windows do. */
const LEAST_POSITIONS_PER_OUTPUT = 12;

/**
 * Which order of positions copies fewer pieces? For each row of pictures and each channel, channels first copies N lines
 * for each kernel row and column, batch last W pixels (of all pictures) for each kernel position:
 *   (kH + kW) N < kH kW W
 * A pointwise kernel copies nothing, and turning the images moves N pictures or H W pixels of a channel.
 */
function channelsFirstIsFaster(node: Node<"conv2dKernelGrad">, lowering: Lowering): boolean {
  const { strides, kernelShape } = node.attrs;
  const [x, outputGrad] = node.inputs.map((input) => lowering.shape(input));
  const [batch, out, ...outExtents] = outputGrad as [number, number, number, number];
  const [rows, columns] = kernelShape.slice(2) as [number, number];
  const area = outExtents[0] * outExtents[1];
  if (isPointwise(node.attrs, kernelShape)) return batch < area;
  const widens = [0, 1].every((axis) => strides[axis] === 1 && x![axis + 2]! <= outExtents[axis]!);
  const copiesLess = (rows + columns) * batch < rows * columns * outExtents[1];
  return widens && copiesLess && batch * area > LEAST_POSITIONS_PER_OUTPUT * out;
}

/**
 * dW[o,c,i,j] = sum over n,h,w of g[n,o,h,w] x[n,c,h*s+i*d-p,...]: a convolution of x with g in which the batch is the
 * contracted channel and stride and dilation change places. Right for all attributes; slow for large images.
 */
function byConvolution(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const [x, outputGrad] = node.inputs;
  const { strides, padding, dilations, groups, kernelShape } = node.attrs;
  const [batch, channels, height, width] = lowering.shape(x!) as [number, number, number, number];
  const [, out, outHeight, outWidth] = lowering.shape(outputGrad!) as [number, number, number, number];
  const perGroup = channels / groups;
  const split = lowering.reshape(lowering.fullOperand(x!), [batch, groups, perGroup, height, width]);
  const images = lowering.reshape(lowering.transpose(split, [2, 1, 0, 3, 4]), [
    perGroup,
    groups * batch,
    height,
    width,
  ]);
  const kernels = lowering.transpose(lowering.fullOperand(outputGrad!), [1, 0, 2, 3]);
  const attributes = convolutionAttributes({ strides: dilations, padding, dilations: strides, groups }, [
    out,
    batch,
    outHeight,
    outWidth,
  ]);
  const whole = lowering.emit("Conv", [images.name, kernels.name], attributes);
  // Rows and columns that the stride left out give positions beyond the kernel.
  const inside = lowering.emit("Slice", [
    whole,
    lowering.int64([0, 0]),
    lowering.int64(kernelShape.slice(2)),
    lowering.int64([2, 3]),
  ]);
  return lowering.transpose({ name: inside, extents: [perGroup, out, ...kernelShape.slice(2)] }, [1, 0, 2, 3]);
}
