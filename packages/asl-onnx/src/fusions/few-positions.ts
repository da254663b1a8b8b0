import type { Node, Shape, ValueId } from "asl-core";
import type { Operand } from "../lower/extent.js";
import type { FusionRule } from "../lower/fusion.js";
import type { Lowering } from "../lower/lowering.js";
import { batchFirst, batchLast, type Geometry, gatherWindows, padImages, sumWindows } from "../lower/windows.js";

/**
 * conv2d and conv2dInputGrad of fewer positions (batch, height and width) than output channels, by one product with
 * the kernel as it lies. Turning a kernel into a form for convolutions costs as much as such a convolution itself, and
 * in training it changes at each step.
 */
export const fewPositions: FusionRule = (node, view) => {
  if (node.op !== "conv2d" && node.op !== "conv2dInputGrad") return undefined;
  const inputs = node.inputs as readonly [ValueId, ValueId];
  const [x, kernel] = inputs.map((input) => view.type(input).shape) as [Shape, Shape];
  const [batch, , height, width] = node.op === "conv2d" ? view.type(node.output).shape : x;
  const positions = batch! * height! * width!;
  const isPointwise = kernel[2]! * kernel[3]! === 1;
  if (node.attrs.groups !== 1 || isPointwise || positions === 0 || positions > kernel[0]!) return undefined;
  const geometry = { ...node.attrs, kernelShape: kernel, batch: batch!, outHeight: height!, outWidth: width! };
  return {
    inputs,
    lower: (lowering) =>
      node.op === "conv2d" ? convolution(node, geometry, lowering) : inputGrad(node, geometry, lowering),
  };
};

/** y[O, positions] = W[O, C kH kW] times the windows of x. */
function convolution({ inputs: [x, kernel] }: Node<"conv2d">, geometry: Geometry, lowering: Lowering): Operand {
  const { kernelShape, padding, batch, outHeight, outWidth } = geometry;
  const [out, ...window] = kernelShape as readonly [number, number, number, number];
  const images = padImages(batchLast(lowering.fullOperand(x!), lowering), padding, lowering);
  const rows = Array.from({ length: kernelShape[2]! }, (_, i) => i);
  const windows = gatherWindows(images, rows, geometry, lowering);
  const weights = lowering.reshape(lowering.fullOperand(kernel!), [out, window.reduce((a, b) => a * b)]);
  const name = lowering.emit("Gemm", [weights.name, windows.name]);
  const product = { name, extents: [out, outHeight * outWidth * batch] };
  return batchFirst(lowering.reshape(product, [out, outHeight, outWidth, batch]), lowering);
}

/** The windows of dx [C kH kW, positions] = W transposed times g [O, positions], summed where they overlap. */
function inputGrad(
  { inputs: [outputGrad, kernel], attrs: { inputShape } }: Node<"conv2dInputGrad">,
  geometry: Geometry,
  lowering: Lowering,
): Operand {
  const { kernelShape, batch, outHeight, outWidth } = geometry;
  const [out, ...window] = kernelShape as readonly [number, number, number, number];
  const size = window.reduce((a, b) => a * b);
  const positions = outHeight * outWidth * batch;
  const gradient = lowering.reshape(batchLast(lowering.fullOperand(outputGrad!), lowering), [out, positions]);
  const weights = lowering.reshape(lowering.fullOperand(kernel!), [out, size]);
  const name = lowering.emit("Gemm", [weights.name, gradient.name], { transA: { int: 1 } });
  const extents = [inputShape[2]!, inputShape[3]!] as const;
  return batchFirst(sumWindows({ name, extents: [size, positions] }, extents, geometry, lowering), lowering);
}
