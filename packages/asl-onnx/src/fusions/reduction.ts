import { sameShape, sizeOf, type ValueId } from "asl-core";
import type { FusionRule, GraphView } from "../lower/fusion.js";
import { eitherWay } from "./activation.js";

/** The sum and its number of terms, when a node divides a reduceSum by exactly that number. */
function meanOf(node: Parameters<FusionRule>[0], view: GraphView) {
  let sum: ValueId;
  let divisor: number | undefined;
  if (node.op === "div") {
    sum = node.inputs[0]!;
    divisor = view.uniform(node.inputs[1]!);
  } else if (node.op === "mul") {
    const pair = eitherWay(node, (factor) => view.uniform(factor) !== undefined);
    if (pair === undefined) return undefined;
    sum = pair[1];
    // Only a power of two has an exact reciprocal.
    const reciprocal = 1 / view.uniform(pair[0])!;
    divisor = Number.isInteger(Math.log2(reciprocal)) ? reciprocal : undefined;
  } else return undefined;
  const reduced = view.producer(sum);
  if (divisor === undefined || reduced?.op !== "reduceSum") return undefined;
  const x = reduced.inputs[0]!;
  const { shape } = view.type(x);
  const { axes } = reduced.attrs;
  return sizeOf(axes.map((axis) => shape[axis]!)) === divisor ? { x, axes, shape } : undefined;
}

/** sum over height and width / (height * width) = GlobalAveragePool. */
export const globalAveragePool: FusionRule = (node, view) => {
  const mean = meanOf(node, view);
  if (mean === undefined || mean.shape.length !== 4 || !sameShape(mean.axes, [2, 3])) return undefined;
  const { x } = mean;
  return {
    inputs: [x],
    lower(lowering) {
      const [batch, channels] = lowering.extents(x);
      const name = lowering.emit("GlobalAveragePool", [lowering.full(x)]);
      return lowering.reshape({ name, extents: [batch!, channels!, 1, 1] }, [batch!, channels!]);
    },
  };
};

/** reshape [N,C,H/k,k,W/k,k], sum over both k, / k^2 = AveragePool k x k with stride k. */
export const averagePool: FusionRule = (node, view) => {
  const mean = meanOf(node, view);
  if (mean === undefined || mean.shape.length !== 6 || !sameShape(mean.axes, [3, 5])) return undefined;
  const split = view.producer(mean.x);
  if (split?.op !== "reshape") return undefined;
  const [x] = split.inputs;
  const [batch, channels, height, width] = view.type(x!).shape;
  const [first, second, rows, kernelHeight, columns, kernelWidth] = mean.shape as readonly number[];
  const fits =
    view.type(x!).shape.length === 4 &&
    first === batch &&
    second === channels &&
    rows! * kernelHeight! === height &&
    columns! * kernelWidth! === width;
  if (!fits) return undefined;
  const kernel = { ints: [kernelHeight!, kernelWidth!] };
  return {
    inputs: [x!],
    lower: (lowering) => ({
      name: lowering.emit("AveragePool", [lowering.full(x!)], { kernel_shape: kernel, strides: kernel }),
      extents: lowering.extents(node.output),
    }),
  };
};

/** sum of x * x = ReduceSumSquare(x): no product is stored. */
export const sumOfSquares: FusionRule = (node, view) => {
  if (node.op !== "reduceSum" || node.attrs.axes.length === 0) return undefined;
  const product = view.producer(node.inputs[0]!);
  if (product?.op !== "mul" || product.inputs[0] !== product.inputs[1]) return undefined;
  const [x] = product.inputs;
  return {
    inputs: [x!],
    lower: (lowering) => ({
      name: lowering.emit("ReduceSumSquare", [lowering.full(x!)], {
        axes: { ints: node.attrs.axes },
        keepdims: { int: 0 },
      }),
      extents: lowering.extents(node.output),
    }),
  };
};
