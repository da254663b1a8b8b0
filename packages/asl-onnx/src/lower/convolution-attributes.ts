import type { Conv2dAttrs, Shape } from "asl-core";
import type { Attributes } from "./writer.js";

/** ONNX's order of pads: all beginnings, then all ends. */
export function convolutionAttributes({ strides, padding, dilations, groups }: Conv2dAttrs, kernel: Shape): Attributes {
  const [[top, bottom], [left, right]] = padding;
  return {
    kernel_shape: { ints: kernel.slice(2) },
    strides: { ints: strides },
    pads: { ints: [top, left, bottom, right] },
    dilations: { ints: dilations },
    group: { int: groups },
  };
}

/** A 1x1 convolution without stride, padding or groups: a matrix product over the channels. */
export function isPointwise({ strides, padding, groups }: Conv2dAttrs, kernel: Shape): boolean {
  return (
    kernel[2] === 1 &&
    kernel[3] === 1 &&
    groups === 1 &&
    padding.flat().every((n) => n === 0) &&
    strides.every((n) => n === 1)
  );
}
