import type { Builder } from "../src/graph/builder.js";
import type { Graph } from "../src/graph/graph.js";
import type { Shape } from "./tensors.js";

export const real = (...shape: number[]) => ({ dtype: "f32" as const, shape: shape as Shape });

export const ops = (graph: Graph) => graph.nodes.map((node) => node.op);

/** A tensor of one number, as a broadcast. */
export const filled = (b: Builder, value: number, shape: Shape) =>
  b.apply("broadcast", [b.constant(value)], { shape, axes: [] });
