import { expect, it } from "vitest";
import { type Builder, build, type Value } from "../src/graph/builder.js";
import { flopsOf } from "../src/passes/flops.js";
import { real } from "./building.js";
import { f32 } from "./tensors.js";

const convolution = {
  strides: [1, 1],
  padding: [
    [1, 1],
    [1, 1],
  ],
  dilations: [1, 1],
  groups: 2,
} as const;

it.each<[string, number, (b: Builder) => Value]>([
  [
    "[2,3] x [3,4]: 2 x 4 results of 3 products and sums",
    48,
    (b) => {
      return b.apply("matmul", [b.input("a", real(2, 3)), b.input("b", real(3, 4))], {});
    },
  ],
  ["7 such products", 336, (b) => b.apply("matmul", [b.input("a", real(7, 2, 3)), b.input("b", real(7, 3, 4))], {})],
  [
    "3x3 convolution of 4 channels in 2 groups: 8 x 5 x 5 results of 2 x 3 x 3 products and sums",
    7200,
    (b) => {
      return b.apply("conv2d", [b.input("x", real(1, 4, 5, 5)), b.input("kernel", real(8, 2, 3, 3))], convolution);
    },
  ],
  [
    "sum over the middle of [2,3,4]: 8 results of 3 terms",
    24,
    (b) => {
      return b.apply("reduceSum", [b.input("x", real(2, 3, 4))], { axes: [1] });
    },
  ],
  [
    "largest of the same: each element is read",
    24,
    (b) => {
      return b.apply("reduceMax", [b.input("x", real(2, 3, 4))], { axes: [1] });
    },
  ],
  ["exp of [2,3]", 6, (b) => b.apply("exp", [b.input("x", real(2, 3))], {})],
  ["sum of two [2,3]", 6, (b) => b.apply("add", [b.input("a", real(2, 3)), b.input("b", real(2, 3))], {})],
  ["transpose of [2,3]", 6, (b) => b.apply("transpose", [b.input("x", real(2, 3))], { permutation: [1, 0] })],
  [
    "slice: what it makes, not what it reads",
    2,
    (b) => {
      return b.apply("slice", [b.input("x", real(2, 3))], { starts: [0, 0], ends: [1, 2] });
    },
  ],
  ["broadcast of [3] to [2,3]", 6, (b) => b.apply("broadcast", [b.input("x", real(3))], { shape: [2, 3], axes: [1] })],
  ["reshape, a view", 0, (b) => b.apply("reshape", [b.input("x", real(2, 3))], { shape: [6] })],
  ["constant", 0, (b) => b.constant(f32([4], [1, 2, 3, 4]))],
])("%s: %i operations", (_, flops, body) => {
  const { nodes, types } = build((b) => ({ y: body(b) }));
  expect(nodes.map((node) => flopsOf(node, types))).toEqual([flops]);
});
