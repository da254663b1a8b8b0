import { sameShape } from "asl-core";
import type { FusionRule } from "../lower/fusion.js";

/**
 * reshape [N,C,H/b,b,W/b,b], transpose [N,b,b,C,H/b,W/b], reshape [N,b*b*C,H/b,W/b] = SpaceToDepth:
 * output channel (dy * b + dx) * C + c.
 */
export const spaceToDepth: FusionRule = (node, view) => {
  if (node.op !== "reshape") return undefined;
  const turned = view.producer(node.inputs[0]!);
  if (turned?.op !== "transpose" || !sameShape(turned.attrs.permutation, [0, 3, 5, 1, 2, 4])) return undefined;
  const split = view.producer(turned.inputs[0]!);
  if (split?.op !== "reshape") return undefined;
  const x = split.inputs[0]!;
  const [batch, channels, height, width] = view.type(x).shape as readonly number[];
  const [, , rows, block, columns] = split.attrs.shape as readonly number[];
  if (view.type(x).shape.length !== 4 || rows === undefined || block === undefined || columns === undefined)
    return undefined;
  const fits =
    rows * block === height &&
    columns * block === width &&
    sameShape(split.attrs.shape, [batch!, channels!, rows, block, columns, block]) &&
    sameShape(node.attrs.shape, [batch!, block * block * channels!, rows, columns]);
  if (!fits) return undefined;
  return {
    inputs: [x],
    lower: (lowering) => ({
      name: lowering.emit("SpaceToDepth", [lowering.full(x)], { blocksize: { int: block } }),
      extents: lowering.extents(node.output),
    }),
  };
};
