import type { Node } from "asl-core";
import { convolutionAttributes, isPointwise } from "./convolution-attributes.js";
import { type Extent, isFixed, type Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";
import type { Attributes } from "./writer.js";

export function matmul(node: Node<"matmul">, lowering: Lowering): Operand {
  const inputs = node.inputs.map((input) => lowering.full(input));
  return { name: lowering.emit("MatMul", inputs), extents: lowering.extents(node.output) };
}

export function conv2d(node: Node<"conv2d">, lowering: Lowering): Operand {
  const [x, kernel] = node.inputs;
  if (isPointwise(node.attrs, lowering.shape(kernel!)) && isTiny(lowering.extents(x!))) {
    return pointwise(lowering.fullOperand(x!), lowering.fullOperand(kernel!), { transposed: true }, lowering);
  }
  const attributes = convolutionAttributes(node.attrs, lowering.shape(kernel!));
  return {
    name: lowering.emit("Conv", [lowering.full(x!), lowering.full(kernel!)], attributes),
    extents: lowering.extents(node.output),
  };
}

/**
 * The transpose of the convolution.
 * Stride 1: a convolution of the output's gradient with the flipped kernel, input and output channels swapped,
 * padded by (dilated kernel - 1 - padding). Otherwise ConvTranspose, whose output_padding restores the rows that the
 * convolution's stride left out.
 */
export function conv2dInputGrad(node: Node<"conv2dInputGrad">, lowering: Lowering): Operand {
  const { strides, padding, dilations, groups, inputShape } = node.attrs;
  const [outputGrad, kernel] = node.inputs;
  const kernelShape = lowering.shape(kernel!) as readonly [number, number, number, number];
  const extents = lowering.extents(node.output);
  const dilated = ([0, 1] as const).map((axis) => (kernelShape[axis + 2]! - 1) * dilations[axis]! + 1);
  const flippedPadding = ([0, 1] as const).map((axis) => {
    const [before, after] = padding[axis];
    return [dilated[axis]! - 1 - before, dilated[axis]! - 1 - after] as const;
  });
  if (isPointwise(node.attrs, kernelShape) && isFixed(lowering.extents(outputGrad!))) {
    return pointwiseInputGrad(lowering.fullOperand(outputGrad!), lowering.fullOperand(kernel!), lowering);
  }
  const unitStride = strides.every((stride) => stride === 1);
  if (unitStride && flippedPadding.flat().every((width) => width >= 0)) {
    const flipped = flippedKernel({ name: lowering.full(kernel!), extents: kernelShape }, groups, lowering);
    const attributes = convolutionAttributes(
      { strides: [1, 1], padding: [flippedPadding[0]!, flippedPadding[1]!], dilations, groups },
      kernelShape,
    );
    return { name: lowering.emit("Conv", [lowering.full(outputGrad!), flipped.name], attributes), extents };
  }
  const outputShape = lowering.shape(outputGrad!);
  const outputPadding = ([0, 1] as const).map((axis) => {
    const [before, after] = padding[axis];
    const reached = (outputShape[axis + 2]! - 1) * strides[axis] + dilated[axis]!;
    return inputShape[axis + 2]! + before + after - reached;
  });
  const attributes: Attributes = {
    ...convolutionAttributes(node.attrs, kernelShape),
    output_padding: { ints: outputPadding },
  };
  return {
    name: lowering.emit("ConvTranspose", [lowering.full(outputGrad!), lowering.full(kernel!)], attributes),
    extents,
  };
}

/** Images so small that Conv's product for each picture alone wastes most of its time. */
const TINY_AREA = 12;

function isTiny(extents: readonly Extent[]): boolean {
  return isFixed(extents) && extents[2]! * extents[3]! <= TINY_AREA && extents[0]! > 1;
}

/**
 * The kernel transposed times each picture, or one product with turned pictures: whichever turns less. A kernel's rows
 * lie far apart, so that an element of it costs about twice as much to turn.
 */
function pointwiseInputGrad(outputGrad: Operand, kernel: Operand, lowering: Lowering): Operand {
  const [batch, , height, width] = outputGrad.extents as readonly [number, number, number, number];
  const [rows, columns] = kernel.extents as readonly [number, number, number, number];
  const area = height * width;
  if (isTiny(outputGrad.extents) || 2 * rows * columns > batch * area * (rows + columns)) {
    return pointwise(outputGrad, kernel, { transposed: false }, lowering);
  }
  const turned = lowering.transpose(lowering.reshape(kernel, [rows, columns]), [1, 0]);
  const images = lowering.reshape(outputGrad, [batch, rows, area]);
  const name = lowering.emit("MatMul", [turned.name, images.name]);
  return lowering.reshape({ name, extents: [batch, columns, area] }, [batch, columns, height, width]);
}

/** One product for the whole batch, channels last: [N*H*W, I] times the kernel [O,I] transposed, or [I,O]. */
function pointwise(x: Operand, kernel: Operand, { transposed }: { transposed: boolean }, lowering: Lowering): Operand {
  const [batch, channels, height, width] = x.extents as readonly [number, number, number, number];
  const [rows, columns] = kernel.extents as readonly [number, number, number, number];
  const outputs = transposed ? rows : columns;
  const area = height * width;
  const turned = lowering.transpose(lowering.reshape(x, [batch, channels, area]), [0, 2, 1]);
  const matrix = lowering.reshape(turned, [batch * area, channels]);
  const weights = lowering.reshape(kernel, [rows, columns]);
  const name = lowering.emit("Gemm", [matrix.name, weights.name], { transB: { int: Number(transposed) } });
  const product = lowering.reshape({ name, extents: [batch * area, outputs] }, [batch, area, outputs]);
  return lowering.reshape(lowering.transpose(product, [0, 2, 1]), [batch, outputs, height, width]);
}

/** [O,C/g,kH,kW] -> [C,O/g,kH,kW], both spatial axes reversed. */
function flippedKernel(kernel: Operand, groups: number, lowering: Lowering): Operand {
  const [out, perGroup, height, width] = kernel.extents as readonly [number, number, number, number];
  const area = height * width;
  const flat = lowering.reshape(kernel, [groups, out / groups, perGroup, area]);
  const swapped = lowering.transpose(flat, [0, 2, 1, 3]);
  const reversed =
    area === 1
      ? swapped
      : {
          name: lowering.emit("Slice", [
            swapped.name,
            lowering.int64([-1]),
            // Below the first element from the end: Slice clamps it to "past the beginning".
            lowering.int64([-area - 1]),
            lowering.int64([3]),
            lowering.int64([-1]),
          ]),
          extents: swapped.extents,
        };
  return lowering.reshape(reversed, [groups * perGroup, out / groups, height, width]);
}
