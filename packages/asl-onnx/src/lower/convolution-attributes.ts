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
