import { type AnyNode, f32, type ValueId } from "asl-core";
import type { FusionRule, GraphView } from "../lower/fusion.js";
import type { Lowering } from "../lower/lowering.js";
import { isExact } from "./axis-map.js";
import { type SeparableMap, separableMap } from "./separable-map.js";

/** Up to this many entries, one matrix for the whole image is faster than one for each axis. */
const WHOLE_IMAGE_ENTRIES = 16384;

/** Ends of groups that are worth a matrix product: blur-pool (padding included), its gradient, repeated pixels. */
const isCandidate = ({ op }: AnyNode) =>
  op === "conv2d" || op === "conv2dInputGrad" || op === "concat" || op === "add" || op === "reshape";

/**
 * A chain of padding, slices, sums and depthwise convolutions with one constant kernel for all channels is a matrix
 * along the height and one along the width: y[n,c] = A x[n,c] B^T. Two to five times as fast as node by node.
 */
export const separableProducts: FusionRule = (node, view) => {
  if (!isCandidate(node) || view.type(node.output).shape.length !== 4) return undefined;
  const map = separableMap(node.output, view);
  if (map.source === node.output || !isWorthIt(node, map, view)) return undefined;
  if (!isExact(map.height) || !isExact(map.width) || !isClosed(node.output, map, view)) return undefined;
  const { shape } = view.type(node.output);
  return {
    inputs: [map.source],
    lower: (lowering) => ({ name: products(map, lowering), extents: shape }),
  };
};

/** Movement alone is left to ONNX Runtime. */
function isWorthIt(node: AnyNode, map: SeparableMap, view: GraphView): boolean {
  const makers = [node, ...[...map.interior].map((value) => view.producer(value))];
  return makers.some((maker) => maker?.op === "conv2d" || maker?.op === "conv2dInputGrad" || maker?.op === "broadcast");
}

/** Nothing outside the group reads a value inside it. */
function isClosed(output: ValueId, map: SeparableMap, view: GraphView): boolean {
  return [...map.interior].every(
    (value) =>
      !view.isOutput(value) &&
      view.consumers(value).every((consumer) => consumer.output === output || map.interior.has(consumer.output)),
  );
}

function products({ source, height, width }: SeparableMap, lowering: Lowering): string {
  const [batch, channels, rows, columns] = lowering.shape(source) as readonly [number, number, number, number];
  const [outRows, outColumns] = [height.rows.length, width.rows.length];
  const planes = batch * channels;
  const x = lowering.fullOperand(source);
  if (rows * columns * outRows * outColumns <= WHOLE_IMAGE_ENTRIES) {
    // Entry [(h, w), (i, j)] = A[i][h] B[j][w].
    const entries = new Float32Array(rows * columns * outRows * outColumns);
    let next = 0;
    for (let h = 0; h < rows; h++)
      for (let w = 0; w < columns; w++)
        for (let i = 0; i < outRows; i++)
          for (let j = 0; j < outColumns; j++) entries[next++] = height.rows[i]![h]! * width.rows[j]![w]!;
    const matrix = lowering.constant(f32([rows * columns, outRows * outColumns], entries), "map");
    const flat = lowering.reshape(x, [planes, rows * columns]);
    const name = lowering.emit("MatMul", [flat.name, matrix.name]);
    const product = { name, extents: [planes, outRows * outColumns] };
    return lowering.reshape(product, [batch, channels, outRows, outColumns]).name;
  }
  const across = Float32Array.from({ length: columns * outColumns }, (_, i) => {
    return width.rows[i % outColumns]![Math.floor(i / outColumns)]!;
  });
  const right = lowering.constant(f32([columns, outColumns], across), "width");
  const left = lowering.constant(f32([outRows, rows], height.rows.flat()), "height");
  const lines = lowering.reshape(x, [planes * rows, columns]);
  const narrow = { name: lowering.emit("MatMul", [lines.name, right.name]), extents: [planes * rows, outColumns] };
  const planar = lowering.reshape(narrow, [planes, rows, outColumns]);
  const product = { name: lowering.emit("MatMul", [left.name, planar.name]), extents: [planes, outRows, outColumns] };
  return lowering.reshape(product, [batch, channels, outRows, outColumns]).name;
}
