import { i32, type Node } from "asl-core";
import type { Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";

type Extents = readonly [number, number, number, number];
type KernelGradAttrs = Node<"conv2dKernelGrad">["attrs"];

/**
 * With stride 1, y = h + i d - p:
 *   dW[o,c,i,j] = sum over n,y,w of g[n,o,y+p-i*d,w] x[n,c,y,w+j*d-p]
 * The kernel row shifts g and the kernel column shifts x: kH copies of g and kW of x make all products, where windows
 * of x alone are kH kW copies. Positions are ordered (batch, height, width), so that pictures are turned as blocks.
 */
export function kernelGradChannelsFirst(node: Node<"conv2dKernelGrad">, lowering: Lowering): Operand {
  const { kernelShape } = node.attrs;
  const [x, outputGrad] = node.inputs.map((input) => channelsFirst(lowering.fullOperand(input), lowering));
  const [out, channels, rows, columns] = kernelShape as Extents;
  const [, , height] = x!.extents as Extents;
  const gradients = shiftedRows(outputGrad!, height, node.attrs, lowering);
  const products = Array.from({ length: columns }, (_, column) => {
    const shifted = shiftedColumns(x!, outputGrad!.extents[3] as number, column, node.attrs, lowering);
    const name = lowering.emit("Gemm", [gradients.name, shifted.name], { transB: { int: 1 } });
    return lowering.reshape({ name, extents: [out * rows, channels] }, [out, rows, 1, channels]).name;
  });
  const name = products.length === 1 ? products[0]! : lowering.emit("Concat", products, { axis: { int: 2 } });
  // one extent of kernel positions: runtimes turn two axes faster than three
  const stacked = lowering.reshape({ name, extents: [out, rows, columns, channels] }, [out, rows * columns, channels]);
  return lowering.reshape(lowering.transpose(stacked, [0, 2, 1]), kernelShape);
}

/** [N,C,H,W] -> [C,N,H,W]. */
function channelsFirst(images: Operand, lowering: Lowering): Operand {
  const [batch, channels, height, width] = images.extents as Extents;
  const turned = lowering.transpose(lowering.reshape(images, [batch, channels, height * width]), [1, 0, 2]);
  return lowering.reshape(turned, [channels, batch, height, width]);
}

/** Row y+p-i*d of g [O,N,H,W] for each kernel row i and y < `height`, zeros beyond: [O * kernel rows, positions]. */
function shiftedRows(
  gradient: Operand,
  height: number,
  { padding: [[top]], dilations: [dilation], kernelShape }: KernelGradAttrs,
  lowering: Lowering,
): Operand {
  const [out, batch, outHeight, width] = gradient.extents as Extents;
  const lines = batch * outHeight;
  const sources: number[] = [];
  for (let i = 0; i < kernelShape[2]!; i++)
    for (let n = 0; n < batch; n++)
      for (let y = 0; y < height; y++) {
        const row = y + top - i * dilation;
        // behind the last line stands one of zeros
        sources.push(row >= 0 && row < outHeight ? n * outHeight + row : lines);
      }
  const extents = [out * kernelShape[2]!, batch * height * width];
  if (sources.length === lines && sources.every((source, i) => source === i))
    return lowering.reshape(gradient, extents);
  const flat = lowering.reshape(gradient, [out, lines, width]);
  const withZeros = lowering.emit("Pad", [flat.name, lowering.int64([0, 0, 0, 0, 1, 0])]);
  const indices = lowering.constant(i32([sources.length], sources), "rows");
  const name = lowering.emit("Gather", [withZeros, indices.name], { axis: { int: 1 } });
  return lowering.reshape({ name, extents: [out, sources.length, width] }, extents);
}

/** x[:,:,:,w+j*d-p] of [C,N,H,W] for w < `outWidth` and kernel column j, zeros beyond: [C, positions]. */
function shiftedColumns(
  images: Operand,
  outWidth: number,
  column: number,
  { padding: [, [left]], dilations: [, dilation] }: KernelGradAttrs,
  lowering: Lowering,
): Operand {
  const [channels, batch, height, width] = images.extents as Extents;
  const lines = lowering.reshape(images, [channels * batch * height, width]);
  const before = left - column * dilation;
  const after = outWidth - width - before;
  const isWhole = before === 0 && after === 0;
  const name = isWhole ? lines.name : lowering.emit("Pad", [lines.name, lowering.int64([0, before, 0, after])]);
  return lowering.reshape({ name, extents: [channels * batch * height, outWidth] }, [
    channels,
    batch * height * outWidth,
  ]);
}
