import { sameShape, type ValueId } from "asl-core";
import { convolutionAttributes } from "../lower/convolution-attributes.js";
import type { FusionRule, GraphView } from "../lower/fusion.js";
import { eitherWay } from "./activation.js";

/** The vector behind broadcast(vector) along one axis of a value. */
export function vectorAlong(view: GraphView, value: ValueId, axis: number): ValueId | undefined {
  const node = view.producer(value);
  return node?.op === "broadcast" && sameShape(node.attrs.axes, [axis]) ? node.inputs[0] : undefined;
}

/** conv(x, kernel) + bias along the channels = Conv with a bias. */
export const convolutionBias: FusionRule = (node, view) => {
  if (node.op !== "add") return undefined;
  const pair = eitherWay(node, (bias, product) => {
    return (
      vectorAlong(view, bias, 1) !== undefined && view.producer(product)?.op === "conv2d" && view.isPrivate(product)
    );
  });
  const convolution = pair === undefined ? undefined : view.producer(pair[1]);
  if (pair === undefined || convolution?.op !== "conv2d") return undefined;
  const [x, kernel] = convolution.inputs as readonly [ValueId, ValueId];
  const bias = vectorAlong(view, pair[0], 1)!;
  const { attrs } = convolution;
  return {
    inputs: [x, kernel, bias],
    lower: (lowering) => ({
      name: lowering.emit(
        "Conv",
        [lowering.full(x), lowering.full(kernel), lowering.full(bias)],
        convolutionAttributes(attrs, lowering.shape(kernel)),
      ),
      extents: lowering.extents(node.output),
    }),
  };
};

/** A matrix, and whether it stands transposed in the product. */
function factor(view: GraphView, value: ValueId): { readonly matrix: ValueId; readonly transposed: boolean } {
  const node = view.producer(value);
  return node?.op === "transpose" && sameShape(node.attrs.permutation, [1, 0])
    ? { matrix: node.inputs[0]!, transposed: true }
    : { matrix: value, transposed: false };
}

/** matmul of matrices, transposed or not, plus a bias along the columns = Gemm. */
export const gemm: FusionRule = (node, view) => {
  let product = node;
  let bias: ValueId | undefined;
  if (node.op === "add") {
    const pair = eitherWay(node, (candidate, other) => {
      return (
        vectorAlong(view, candidate, 1) !== undefined && view.producer(other)?.op === "matmul" && view.isPrivate(other)
      );
    });
    if (pair === undefined) return undefined;
    bias = vectorAlong(view, pair[0], 1);
    product = view.producer(pair[1])!;
  }
  if (product.op !== "matmul" || view.type(product.output).shape.length !== 2) return undefined;
  const [a, b] = product.inputs.map((input) => factor(view, input));
  if (bias === undefined && !a!.transposed && !b!.transposed) return undefined;
  const inputs = [a!.matrix, b!.matrix, ...(bias === undefined ? [] : [bias])];
  return {
    inputs,
    lower: (lowering) => ({
      name: lowering.emit(
        "Gemm",
        inputs.map((input) => lowering.full(input)),
        { transA: { int: Number(a!.transposed) }, transB: { int: Number(b!.transposed) } },
      ),
      extents: lowering.extents(node.output),
    }),
  };
};
