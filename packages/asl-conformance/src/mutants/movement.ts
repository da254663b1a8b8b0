import { type AnyNode, sizeOf, type TensorData, type TensorType } from "asl-core";
import { withMantissa } from "./elementwise.js";
import { type Mutant, right, wrongOp } from "./mutant.js";

/** The node with other attributes. */
const altered = (node: AnyNode, attrs: object, inputs: readonly TensorData[], type: TensorType): TensorData =>
  right({ ...node, attrs: { ...node.attrs, ...attrs } } as AnyNode, inputs, type);

const reversed = (x: TensorData): TensorData => ({ ...x, data: x.data.slice().reverse() });

export const MOVEMENT_MUTANTS: readonly Mutant[] = [
  wrongOp("pad", "reflect and edge swapped", "mirrors with the edge repeated", (node, inputs, type) => {
    const { mode, low, high } = node.attrs;
    const extents = inputs[0]!.type.shape;
    const allowed = extents.every((extent, axis) => Math.max(low[axis]!, high[axis]!) < Math.max(extent, 1));
    if (mode === "constant" || !allowed) return undefined;
    return altered(node, { mode: mode === "edge" ? "reflect" : "edge" }, inputs, type);
  }),
  wrongOp("pad", "sides swapped", "what belongs before an axis comes after it", (node, inputs, type) =>
    altered(node, { low: node.attrs.high, high: node.attrs.low }, inputs, type),
  ),
  wrongOp("pad", "always zero", "the border's value is ignored", (node, inputs, type) =>
    altered(node, { value: 0 }, inputs, type),
  ),
  wrongOp("transpose", "inverse", "the permutation is read the other way round", (node, [x], type) => {
    const { permutation } = node.attrs;
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
    const shape = inverse.map((axis) => x!.type.shape[axis]!);
    return { type, data: altered(node, { permutation: inverse }, [x!], { ...type, shape }).data };
  }),
  wrongOp("broadcast", "tiled", "the elements run on instead of repeating along axes", (_node, [x], type) => {
    const data = new Float32Array(sizeOf(type.shape));
    const size = x!.data.length;
    if (size === 0 || type.dtype !== "f32") return undefined;
    for (let i = 0; i < data.length; i++) data[i] = x!.data[i % size]!;
    return { type, data };
  }),
  wrongOp("reshape", "column-major", "the last axis is not the fastest", (node, inputs, type) => {
    const [x] = inputs;
    const rank = x!.type.shape.length;
    if (rank < 2) return undefined;
    const permutation = x!.type.shape.map((_, axis) => rank - 1 - axis);
    const shape = permutation.map((axis) => x!.type.shape[axis]!);
    const turned = right({ ...node, op: "transpose", attrs: { permutation } } as AnyNode, inputs, {
      ...x!.type,
      shape,
    });
    return { type, data: turned.data };
  }),
  wrongOp("slice", "from 0", "the first index is ignored", (node, inputs, type) =>
    altered(node, { starts: node.attrs.starts.map(() => 0), ends: type.shape }, inputs, type),
  ),
  wrongOp("concat", "reversed", "the last part comes first", (node, inputs, type) =>
    right(node, [...inputs].reverse(), type),
  ),
  wrongOp("gather", "off by one", "index i reads row i + 1", (node, [table, indices], type) => {
    const extent = table!.type.shape[node.attrs.axis]!;
    const next = Int32Array.from(indices!.data, (i) => (i + 1) % extent);
    return right(node, [table!, { ...indices!, data: next }], type);
  }),
  wrongOp("gather", "sorted", "rows come in the table's order", (node, [table, indices], type) =>
    right(node, [table!, { ...indices!, data: indices!.data.slice().sort() }], type),
  ),
  wrongOp("reduceSum", "mean", "the sum is divided by the number of terms", (node, inputs, type) => {
    const { data } = right(node, inputs, type);
    const terms = inputs[0]!.data.length / Math.max(data.length, 1);
    return { type, data: Float32Array.from(data, (x) => x / Math.max(terms, 1)) };
  }),
  wrongOp("reduceSum", "drops the tail", "an odd last term is left out", (node, inputs, type) => {
    const [x] = inputs;
    const last = x!.type.shape.length - 1;
    const extent = x!.type.shape[last] ?? 0;
    if (extent % 2 === 0 || !node.attrs.axes.includes(last)) return undefined;
    const kept = Float32Array.from(x!.data, (value, i) => (i % extent === extent - 1 ? 0 : value));
    return right(node, [{ ...x!, data: kept }], type);
  }),
  wrongOp("reduceSum", "in bfloat16", "every term keeps 7 bits", (node, [x], type) =>
    right(node, [{ ...x!, data: Float32Array.from(x!.data, (v) => withMantissa(7, v)) }], type),
  ),
  wrongOp("reduceMax", "starts at 0", "negative maxima become 0", (node, inputs, type) => {
    const { data } = right(node, inputs, type);
    return { type, data: Float32Array.from(data, (x) => Math.max(x, 0)) };
  }),
  wrongOp("reduceMax", "starts at the lowest finite number", "-infinity is never the maximum", (node, inputs, type) => {
    const { data } = right(node, inputs, type);
    return { type, data: Float32Array.from(data, (x) => Math.max(x, -3.4028234663852886e38)) };
  }),
  wrongOp("reduceMax", "drops NaN", "NaN loses against any number", (node, [x], type) =>
    right(node, [{ ...x!, data: Float32Array.from(x!.data, (v) => (Number.isNaN(v) ? -Infinity : v)) }], type),
  ),
  wrongOp("stopGradient", "copies backwards", "the elements are reversed", (_node, [x]) => reversed(x!)),
];
