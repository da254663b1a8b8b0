import { ShapeError } from "../../errors/errors.js";
import { broadcastTo } from "../../functions/broadcasting.js";
import { type Conv2dOptions, conv2d } from "../../functions/contraction.js";
import { reshape, sliceAxis } from "../../functions/shape.js";
import type { Value } from "../../graph/builder.js";
import type { Conv2dAttrs } from "../../ops/contraction.js";
import { formatShape } from "../../types/tensor.js";
import { flushTiny } from "../portable.js";
import { checkSlices, rangesOf, type SlicesOption } from "./matmul.js";
import { MOST_TERMS, rescaled, slicedProduct } from "./product.js";
import { DEFAULT_SLICES, slicesNeeded, slicesOf } from "./slices.js";

export interface ExactConv2dOptions extends Conv2dOptions, SlicesOption {}

type Extents = readonly [number, number, number, number];

/**
 * conv2d with the same bits on every backend; x: [N,C,H,W], kernel: [O,C/groups,kH,kW], elements below 2^100. Inputs are
 * cut into small whole numbers and the backend's own convolution multiplies those, which is exact in any order of sums.
 * With 4 slices and K = C/groups kH kW, for each element
 *   |error| <= 2^-23 |y| + ceil(K / 1024) 2^-24 sum |x w| + K 2^-26 max |x| max |w|,
 * maxima over its picture and group and its kernel; |y| below 2^-100 becomes +0. Gradients are those of conv2d.
 * Ozaki et al. 2012, "Error-free transformations of matrix multiplication".
 */
export function exactConv2d(x: Value, kernel: Value, options: ExactConv2dOptions = {}): Value {
  const { slices = DEFAULT_SLICES, ...geometry } = options;
  checkSlices("exactConv2d", slices);
  const { builder } = x;
  return builder.scope("exact.conv2d", () => {
    const { groups = 1 } = geometry;
    const [batch, channels, height, width] = x.shape as Extents;
    const [out, perGroup, kernelHeight, kernelWidth] = kernel.shape as Extents;
    const area = kernelHeight * kernelWidth;
    if (area > MOST_TERMS) {
      const found = formatShape(kernel.shape);
      throw new ShapeError("exactConv2d", `kernel ${found} has more than ${MOST_TERMS} taps`, builder.currentScope);
    }
    if (perGroup * groups !== channels || out % groups !== 0) conv2d(x, kernel, geometry); // throws what is wrong

    const grouped = [batch, groups, perGroup, height, width];
    const images = slicesOf(reshape(x, grouped), [2, 3, 4], slices);
    const kernels = slicesOf(kernel, [1, 2, 3], slicesNeeded(kernel, slices));
    const ranges = rangesOf(perGroup, Math.floor(MOST_TERMS / area));
    const product = slicedProduct(images.digits, kernels.digits, perGroup * area, (pixels, weights) =>
      ranges.map(([start, end]) => {
        const part = reshape(sliceAxis(pixels, 2, start, end), [batch, groups * (end - start), height, width]);
        return conv2d(part, sliceAxis(weights, 1, start, end), geometry);
      }),
    );
    const { shape } = product;
    const perChannel = broadcastTo(reshape(images.scale, [batch, groups, 1]), [batch, groups, out / groups]);
    const imageScale = builder.apply("broadcast", [reshape(perChannel, [batch, out])], { shape, axes: [0, 1] });
    const kernelScale = builder.apply("broadcast", [kernels.scale], { shape, axes: [1] });
    const y = flushTiny(rescaled(product, imageScale, kernelScale));
    return builder.differentiateAs(y, [x, kernel], (g) => {
      const attrs = attributesOf(geometry);
      return [
        builder.apply("conv2dInputGrad", [g, kernel], { ...attrs, inputShape: x.shape }),
        builder.apply("conv2dKernelGrad", [x, g], { ...attrs, kernelShape: kernel.shape }),
      ];
    });
  });
}

function attributesOf({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions): Conv2dAttrs {
  const around = [padding, padding] as const;
  return { strides: [stride, stride], padding: [around, around], dilations: [dilation, dilation], groups };
}
